-- The journal: two append-only logs a tenant, what intake needs, and the subjects' keys.
--
-- Every key begins with log_id and every transaction touches one log_id, so that a tenant can live
-- whole on one node of a distributed database. For the same reason there are no triggers, no
-- sequences and no foreign keys across logs.

CREATE SCHEMA journal;
CREATE SCHEMA subject;

-- A log is named by (tenant, kind, shard). Views carry the facts log's id.
CREATE TABLE journal.log (
    log_id      integer NOT NULL CONSTRAINT log_pkey PRIMARY KEY,
    tenant      text    NOT NULL,
    kind        text    NOT NULL CONSTRAINT log_kind_known CHECK (kind IN ('facts', 'decisions')),
    shard       integer NOT NULL DEFAULT 0,
    CONSTRAINT log_name_key UNIQUE (tenant, kind, shard)
);

-- The head row of a log: taking it makes positions gapless and commits ordered.
-- `erasures` counts erased and blocked subjects; an append whose caches are older starts again.
CREATE TABLE journal.log_head (
    log_id      integer NOT NULL CONSTRAINT log_head_pkey PRIMARY KEY,
    position    bigint  NOT NULL DEFAULT 0,
    epoch       integer NOT NULL DEFAULT 1,
    erasures    bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

-- Entries are never changed. Fixed-width columns stand first, to waste no padding.
CREATE TABLE journal.entry (
    log_id          integer     NOT NULL,
    stream_version  integer,
    position        bigint      NOT NULL,
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    entry_id        uuid        NOT NULL,
    persona_id      uuid,
    stream_id       uuid,
    refers_to       uuid,
    source          text        NOT NULL,
    type            text        NOT NULL,
    content_digest  bytea       NOT NULL,
    leaf            bytea       NOT NULL,
    body            bytea       NOT NULL,
    sealed          bytea,
    CONSTRAINT entry_pkey PRIMARY KEY (log_id, position),
    CONSTRAINT entry_id_key UNIQUE (log_id, entry_id)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.1, toast_tuple_target = 8160);
ALTER TABLE journal.entry ALTER COLUMN leaf SET STORAGE PLAIN;
ALTER TABLE journal.entry ALTER COLUMN content_digest SET STORAGE PLAIN;
CREATE INDEX entry_persona_idx ON journal.entry (log_id, persona_id, position)
    WHERE persona_id IS NOT NULL;
CREATE INDEX entry_refers_to_idx ON journal.entry (log_id, refers_to) WHERE refers_to IS NOT NULL;
CREATE UNIQUE INDEX entry_stream_key ON journal.entry (log_id, stream_id, stream_version)
    WHERE stream_id IS NOT NULL;

-- Every further persona that an entry touches.
CREATE TABLE journal.entry_persona (
    log_id      integer NOT NULL,
    position    bigint  NOT NULL,
    persona_id  uuid    NOT NULL,
    CONSTRAINT entry_persona_pkey PRIMARY KEY (log_id, position, persona_id)
);
CREATE INDEX entry_persona_persona_idx ON journal.entry_persona (log_id, persona_id, position);

-- Where each partition of a topic is to be read next, and who owns it. Advanced by compare-and-swap
-- on (next_offset, epoch) in the transaction that appends.
CREATE TABLE journal.intake_partition (
    log_id          integer     NOT NULL,
    topic           text        NOT NULL,
    partition       integer     NOT NULL,
    topic_id        text        NOT NULL,
    next_offset     bigint      NOT NULL,
    epoch           bigint      NOT NULL,
    owner           text        NOT NULL,
    claimed_at      timestamptz NOT NULL,
    paused_because  text,
    CONSTRAINT intake_partition_pkey PRIMARY KEY (log_id, topic, partition)
) WITH (fillfactor = 50);

-- What became of every message received: received is the sum over the outcomes.
CREATE TABLE journal.intake_account (
    log_id      integer     NOT NULL,
    channel     text        NOT NULL,
    topic       text        NOT NULL,
    source      text        NOT NULL,
    hour        timestamptz NOT NULL,
    outcome     text        NOT NULL CONSTRAINT intake_account_outcome_known
                CHECK (outcome IN ('stored', 'duplicate', 'rejected', 'suppressed')),
    messages    bigint      NOT NULL,
    CONSTRAINT intake_account_pkey PRIMARY KEY (log_id, channel, topic, source, hour, outcome)
) WITH (fillfactor = 50);

-- Messages that could not become facts, kept sealed until they are mended or their time is over.
CREATE TABLE journal.rejected_message (
    log_id          integer     NOT NULL,
    receipt_id      uuid        NOT NULL,
    received_at     timestamptz NOT NULL,
    channel         text        NOT NULL,
    topic           text        NOT NULL,
    partition       integer,
    message_offset  bigint,
    source          text        NOT NULL,
    code            text        NOT NULL,
    detail          text        NOT NULL,
    key_day         date        NOT NULL,
    sealed          bytea,
    mends           uuid,
    mended_by       uuid,
    CONSTRAINT rejected_message_pkey PRIMARY KEY (log_id, receipt_id)
);
CREATE INDEX rejected_message_received_idx
    ON journal.rejected_message (log_id, received_at, receipt_id);

-- Who read what of the rejected messages.
CREATE TABLE journal.rejected_reading (
    log_id      integer     NOT NULL,
    receipt_id  uuid        NOT NULL,
    read_at     timestamptz NOT NULL,
    reader      text        NOT NULL,
    CONSTRAINT rejected_reading_pkey PRIMARY KEY (log_id, receipt_id, read_at, reader)
);

-- One key a subject and generation, and the identifier that it belongs to, both wrapped under the
-- tenant's secret, which is not in PostgreSQL. Destroying `wrapped` makes everything unreadable that
-- was sealed under the key, and the identifier too.
CREATE TABLE subject.subject_key (
    log_id      integer     NOT NULL,
    persona_id  uuid        NOT NULL,
    generation  smallint    NOT NULL DEFAULT 1,
    state       text        NOT NULL DEFAULT 'active' CONSTRAINT subject_key_state_known
                CHECK (state IN ('active', 'blocked', 'erased')),
    namespace   text        NOT NULL,
    wrapped     bytea,
    CONSTRAINT subject_key_pkey PRIMARY KEY (log_id, persona_id, generation)
);

-- One key a day for rejected messages: dropping it forgets what that day's messages held.
CREATE TABLE subject.rejected_key (
    log_id      integer NOT NULL,
    day         date    NOT NULL,
    wrapped_key bytea   NOT NULL,
    CONSTRAINT rejected_key_pkey PRIMARY KEY (log_id, day)
);
