-- The points ledger: how every owned account stands, and what was asked of it. Both tables carry the
-- decisions log's id; the log holds the truth, an account's row is what it makes of its stream.
CREATE SCHEMA ledger;

-- The head of an account. Whoever locks this row is the only one to continue its stream.
-- `state` is the account without its redemptions; `next_timer` is the instant (microseconds since
-- 1970) at which time next changes the account, NULL if it never does.
CREATE TABLE ledger.account (
    log_id      integer NOT NULL,
    version     integer NOT NULL,
    position    bigint  NOT NULL,
    next_timer  bigint,
    account_id  uuid    NOT NULL,
    persona_id  uuid    NOT NULL,
    programme   text    NOT NULL,
    state       bytea   NOT NULL,
    CONSTRAINT account_pkey PRIMARY KEY (log_id, account_id)
) WITH (fillfactor = 50, toast_tuple_target = 8160);
CREATE INDEX account_persona_idx ON ledger.account (log_id, persona_id);
CREATE INDEX account_next_timer_idx ON ledger.account (log_id, next_timer)
    WHERE next_timer IS NOT NULL;

-- What was asked under which key, and the answer. A redemption's id is that of the request that
-- began it; `redemption` is what of it may be reversed, NULL while nothing was redeemed.
CREATE TABLE ledger.request (
    log_id          integer NOT NULL,
    position        bigint  NOT NULL,
    request_id      uuid    NOT NULL,
    account_id      uuid    NOT NULL,
    kind            text    NOT NULL,
    content_digest  bytea   NOT NULL,
    answer          bytea   NOT NULL,
    redemption      bytea,
    CONSTRAINT request_pkey PRIMARY KEY (log_id, request_id)
) WITH (fillfactor = 90);

GRANT USAGE ON SCHEMA ledger TO vinculo_application;
GRANT SELECT, INSERT, UPDATE ON ledger.account, ledger.request TO vinculo_application;
