-- What was taken of rewards of which there are only so many. Keyed by the decisions log.

-- How many of a reward are taken, whatever the version of its programme. Whoever takes one locks
-- this row; rows are locked in order, behind accounts and before the head of the log.
CREATE TABLE ledger.reward (
    log_id     integer NOT NULL,
    taken      bigint  NOT NULL CONSTRAINT reward_taken_check CHECK (taken >= 0),
    programme  text    NOT NULL,
    reward     text    NOT NULL,
    CONSTRAINT reward_pkey PRIMARY KEY (log_id, programme, reward)
) WITH (fillfactor = 10);

-- Which redemption took which. Who lets points go back marks the row and locks no reward, so nobody
-- waits in a circle; the next who takes one, holding the reward's lock, takes `back` off the count.
CREATE TABLE ledger.reward_taken (
    log_id         integer NOT NULL,
    points         bigint  NOT NULL,
    redemption_id  uuid    NOT NULL,
    programme      text    NOT NULL,
    reward         text    NOT NULL,
    state          text    NOT NULL
        CONSTRAINT reward_taken_state_check CHECK (state IN ('taken', 'back', 'counted')),
    CONSTRAINT reward_taken_pkey PRIMARY KEY (log_id, redemption_id)
);
CREATE INDEX reward_taken_back_idx ON ledger.reward_taken (log_id, programme, reward)
    WHERE state = 'back';

GRANT SELECT, INSERT, UPDATE ON ledger.reward, ledger.reward_taken TO vinculo_application;
