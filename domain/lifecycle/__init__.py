"""The lifecycle: the integer state machine that gives every customer a stage (DOMAIN, section 4).

``inputs`` is what is remembered of the facts, ``tail`` where the machine stands after the last of
them; ``follow`` takes one more in, ``machine`` walks them and the timers in the order of time
(``leap`` is its short way over plain purchases), ``verdict`` is rule 4, ``judgement`` the answer.
"""
