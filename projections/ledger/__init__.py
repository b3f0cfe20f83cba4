"""What finance and customers read of the points ledger: movements, months, liability, statements.

``movements`` maps a decision of an account to what it adds to and takes from portfolios of points,
``sales`` prices the points of a sale; both are pure. ``outstanding`` tells portfolios out of
accounts, ``lots`` out of streams as of a day. ``closing`` reads what a month is closed from, and
``liability`` and ``statements`` answer questions. Nothing here decides: recording is the business
of ``journal.accounting``.
"""
