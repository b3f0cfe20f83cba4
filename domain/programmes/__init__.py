"""Loyalty programmes: their rules as data, and what these rules say of a touchpoint.

Pure. `format` is what a programme manager writes, `checking` what makes sense of it, `compiling`
what judging runs on; `versions` is how rules come into force, `rulebook` which of them are. Nothing
here knows what an account holds: it gets a `Standing` and gives `Award`s.
"""
