"""Loyalty accounts (DOMAIN, section 5; ruling 23).

An account is *mirrored* (its book is what an upstream system states: ``mirrored.py``, a fold over
facts) or *owned* (its book is ours, booked into the decisions log), never both. Only mirrored
accounts live here so far; lots and programmes are written to serve both.
"""
