"""Becomes another program under another account, tied to the life of its parent.

Run as a script in a process of its own, with the standard library alone:

    python -I -S stepdown.py PARENT_PID USER_ID GROUP_ID PROGRAM ARGUMENT...

A negative USER_ID keeps the account. The death signal is set after the change of account, which
would clear it; a parent that died before is noticed by its changed number.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Step down, tie the knot and become the program."""
    parent, user_id, group_id = (int(argument) for argument in arguments[:3])
    if user_id >= 0:
        os.setgroups([])
        os.setgid(group_id)
        os.setuid(user_id)
    # A shell that starts us in the background has us ignore SIGINT, and we hand that down.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent died before its server started")
    os.execv(arguments[3], arguments[3:])  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    main(sys.argv[1:])
