-- name: personas
-- The personas by number, for the rows to be drawn from.
CREATE TABLE IF NOT EXISTS bench.persona (number integer PRIMARY KEY, persona_id uuid NOT NULL)

-- name: samples
-- Rows that were prepared by the real pipeline, to be repeated.
CREATE TABLE bench.sample (number integer PRIMARY KEY, source text, type text, body bytea, sealed bytea)

-- name: fill
-- Synthetic entries: ids in order of time as our sources' are, personas at random, contents of real
-- ones. As many are sealed as of the samples.
INSERT INTO journal.entry (log_id, position, occurred_at, recorded_at, entry_id, persona_id, source,
    type, content_digest, leaf, body, sealed)
SELECT %(log_id)s, n, instant, instant,
    (lpad(to_hex(floor(extract(epoch FROM instant) * 1000)::bigint), 12, '0') || '8'
        || substr(hash, 1, 3) || 'a' || substr(hash, 4, 15))::uuid,
    persona.persona_id, sample.source, sample.type,
    substring(sha256(int8send(n)) FOR 16), sha256(int8send(n)), sample.body, sample.sealed
FROM (
    SELECT n, md5(n::text) AS hash,
        %(begins_at)s::timestamptz + n * interval '1 millisecond' AS instant
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
) AS made
JOIN bench.persona AS persona ON persona.number = mod(abs(hashint8(n)::bigint), %(personas)s)
JOIN bench.sample AS sample ON sample.number = mod(n, %(samples)s)

-- name: head
-- Tell the log how far it reaches.
UPDATE journal.log_head SET position = %s WHERE log_id = %s

-- name: stock
-- The same entries as the eventsourcing library keeps them, with ids as it makes them or with ours.
INSERT INTO stored_events (originator_id, originator_version, topic, state)
SELECT CASE WHEN %(ordered)s THEN entry_id ELSE gen_random_uuid() END, 1, type, body || coalesce(sealed, '') || leaf || content_digest
FROM journal.entry WHERE log_id = %(log_id)s ORDER BY position
