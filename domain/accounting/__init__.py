"""The controller's side of loyalty: what points are worth, and how a month is closed.

Pure: no clock, no I/O, integers and exact fractions only. The inputs are plain structs
(:class:`~domain.accounting.movements.Movement`, :class:`~domain.accounting.liability.OpenLot`,
:class:`~domain.accounting.development.Cohort`, :class:`~domain.accounting.statement.Posting`) that
the shell fills from the decisions log.

``estimates`` what is published of a point's price and redemption, under four eyes; ``revenue`` IFRS
15; ``movements`` the roll-forward; ``closing`` the books and their months; ``journal`` lines for
the general ledger; ``liability`` by month of expiry; ``development`` ultimate redemption and its
back-test; ``statement`` for the customer.
"""
