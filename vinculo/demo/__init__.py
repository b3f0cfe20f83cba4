"""The demo: the whole product on this machine, with a simulated business to look at.

It is an ordinary installation in a folder: every other command works on it while it runs, and on
what it leaves behind.
"""
