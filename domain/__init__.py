"""The business itself: touchpoints, decisions and the rules that judge them.

Nothing here does I/O, reads a clock or draws a random number; the shell passes these in.
"""
