"""The points ledger of owned accounts (ruling 23): state, decisions, and what may be decided.

Pure: no clock, no database, no knowledge of rules. Every decision is double entry, carries the
balance before and after, and names the lots that it touches; ``evolve`` checks all of it whenever
a decision is made and whenever one is read.
"""
