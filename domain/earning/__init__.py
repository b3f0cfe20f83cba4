"""Earning: facts become postings (DESIGN §4, rulings 22 to 27).

Pure, and the same in the worker, in a dry run, in a what-if and in a correction: facts are judged
one after the other, in the order of their log, against what is known so far. For every touchpoint
and account there is what it *should* have earned and what *is booked*; the difference is posted,
whatever brought it about: a return, a correction, a void, another subject, a link, an unlink.
"""
