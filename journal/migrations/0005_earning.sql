-- What earning remembers of the facts that it has judged, keyed by the decisions log.

-- One row for every touchpoint and account that it was judged for.
CREATE TABLE ledger.award (
    log_id      integer NOT NULL,
    touchpoint  uuid    NOT NULL,
    account_id  uuid    NOT NULL,
    record      bytea   NOT NULL,
    CONSTRAINT award_pkey PRIMARY KEY (log_id, touchpoint, account_id)
);

-- The index of business numbers: purchases by their own, returns by the purchase's that they name.
CREATE TABLE ledger.sale (
    log_id      integer NOT NULL,
    source      text    NOT NULL,
    number      text    NOT NULL,
    entry_id    uuid    NOT NULL,
    CONSTRAINT sale_pkey PRIMARY KEY (log_id, source, number, entry_id)
);

-- How far earning has come: the same as its stream says, and the lock of the worker that goes on.
CREATE TABLE ledger.earning (
    log_id      integer NOT NULL CONSTRAINT earning_pkey PRIMARY KEY,
    version     integer NOT NULL,
    judged      bigint  NOT NULL,
    swept       bigint  NOT NULL
) WITH (fillfactor = 10);

GRANT SELECT, INSERT, UPDATE ON ledger.award, ledger.earning TO vinculo_application;
GRANT SELECT, INSERT ON ledger.sale TO vinculo_application;
