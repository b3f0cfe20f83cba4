-- What-ifs that were asked over HTTP: one runs at a time, the latest are kept. Nothing else of the
-- database knows of them; all of it can be thrown away.
CREATE TABLE view.simulation (
    log_id          integer     NOT NULL,
    simulation_id   uuid        NOT NULL,
    programme       text        NOT NULL,
    asked_by        text        NOT NULL,
    asked_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    told_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    state           text        NOT NULL DEFAULT 'running' CONSTRAINT simulation_state_known
                    CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
    facts           bigint      NOT NULL DEFAULT 0,
    decisions       bigint      NOT NULL DEFAULT 0,
    decisions_total bigint      NOT NULL DEFAULT 0,
    accounts        bigint      NOT NULL DEFAULT 0,
    scenario        bytea       NOT NULL,
    report          bytea,
    failure         text        NOT NULL DEFAULT '',
    CONSTRAINT simulation_pkey PRIMARY KEY (log_id, simulation_id)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX simulation_running_key ON view.simulation (log_id) WHERE state = 'running';

GRANT SELECT, INSERT, UPDATE, DELETE ON view.simulation TO vinculo_application;
