"""What if: the whole history of a programme under other rules, beside what was decided.

Reads the two logs as they were interleaved, writes nothing, and leaves every balance alone.
"""
