"""How good the tests of a package are: it is changed in small ways, and they must notice.

``python -m tests.mutation domain/ledger tests/domain/test_ledger*.py`` changes one comparison, one
number, one sum, one condition or one statement at a time, runs the tests against each such mutant,
and says which lived. A slow proof, not part of ``make test``; for packages that need no servers.
"""
