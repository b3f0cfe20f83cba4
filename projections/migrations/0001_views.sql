-- The views: what is folded from the journal. All of it can be thrown away and folded again.

CREATE SCHEMA view;

-- Which generations of a view there are, and how far each has read.
CREATE TABLE view.view_generation (
    log_id              integer     NOT NULL,
    view                text        NOT NULL,
    generation          integer     NOT NULL,
    state               text        NOT NULL CONSTRAINT view_generation_state_known
                        CHECK (state IN ('building', 'live', 'retired')),
    fold                text        NOT NULL,
    facts_position      bigint      NOT NULL DEFAULT 0,
    decisions_position  bigint      NOT NULL DEFAULT 0,
    horizon             timestamptz NOT NULL DEFAULT '-infinity',
    epoch               bigint      NOT NULL DEFAULT 0,
    owner               text        NOT NULL DEFAULT '',
    advanced_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT view_generation_pkey PRIMARY KEY (log_id, view, generation)
) WITH (fillfactor = 20);
CREATE UNIQUE INDEX view_generation_live_key ON view.view_generation (log_id, view)
    WHERE state = 'live';

-- What is known of two personas being one: each pair twice, once from either side.
CREATE TABLE view.link (
    log_id      integer NOT NULL,
    generation  integer NOT NULL,
    persona_id  uuid    NOT NULL,
    other_id    uuid    NOT NULL,
    namespace   text    NOT NULL,
    other_namespace text NOT NULL,
    implied     boolean NOT NULL,
    explicit    bytea   NOT NULL,
    linked      boolean NOT NULL,
    joined      boolean NOT NULL,
    CONSTRAINT link_pkey PRIMARY KEY (log_id, generation, persona_id, other_id)
);

-- The customer of every persona that shares one with another; all others are their own.
CREATE TABLE view.membership (
    log_id      integer NOT NULL,
    generation  integer NOT NULL,
    persona_id  uuid    NOT NULL,
    customer_id uuid    NOT NULL,
    namespace   text    NOT NULL,
    CONSTRAINT membership_pkey PRIMARY KEY (log_id, generation, persona_id)
);
CREATE INDEX membership_customer_idx ON view.membership (log_id, generation, customer_id);

-- One row a customer: compact state, what is searched by, and until when it holds without events.
CREATE TABLE view.customer (
    log_id              integer NOT NULL,
    generation          integer NOT NULL,
    changed_position    bigint  NOT NULL,
    valid_until         timestamptz,
    stage_since         timestamptz,
    last_seen_at        timestamptz,
    last_purchase_at    timestamptz,
    customer_id         uuid    NOT NULL,
    stage               text,
    at_risk             boolean NOT NULL DEFAULT false,
    anonymous           boolean NOT NULL DEFAULT false,
    state               bytea   NOT NULL,
    CONSTRAINT customer_pkey PRIMARY KEY (log_id, generation, customer_id)
) WITH (fillfactor = 75, toast_tuple_target = 8160);
CREATE INDEX customer_valid_until_idx ON view.customer (log_id, generation, valid_until)
    WHERE valid_until IS NOT NULL;
CREATE INDEX customer_stage_idx ON view.customer (log_id, generation, stage, customer_id);

-- Touchpoints that a correction named before they arrived.
CREATE TABLE view.awaited_entry (
    log_id      integer NOT NULL,
    generation  integer NOT NULL,
    entry_id    uuid    NOT NULL,
    CONSTRAINT awaited_entry_pkey PRIMARY KEY (log_id, generation, entry_id)
);

GRANT USAGE ON SCHEMA view TO vinculo_application;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA view TO vinculo_application;
