-- name: append
-- Take the head of the log, add entries behind it, wake readers: one statement, so that nothing can
-- stop between taking the head and giving it back but the server itself.
WITH head AS (
    UPDATE journal.log_head SET position = position + %(count)s
    WHERE log_id = %(log_id)s
    RETURNING position - %(count)s AS before
), added AS (
    INSERT INTO journal.entry (position, log_id, stream_version, occurred_at, recorded_at, entry_id,
        stream_id, source, type, content_digest, body, leaf)
    SELECT before + number, %(log_id)s, stream_version, %(recorded_at)s, %(recorded_at)s, entry_id,
        stream_id, %(source)s, type, content_digest, body, leaf
    FROM head, unnest(%(stream_ids)s::uuid[], %(stream_versions)s::integer[], %(entry_ids)s::uuid[],
        %(types)s::text[], %(content_digests)s::bytea[], %(bodies)s::bytea[], %(leaves)s::bytea[])
        WITH ORDINALITY AS fresh (stream_id, stream_version, entry_id, type, content_digest, body,
            leaf, number)
)
SELECT before, pg_notify(%(channel)s, (before + %(count)s)::text) FROM head

-- name: standing
-- Where entries stand that may be ours: an answer was lost.
SELECT position, leaf FROM journal.entry
WHERE log_id = %s AND entry_id = ANY(%s) ORDER BY position

-- name: stream
-- Decisions of a stream, the first ones first.
SELECT stream_version::int8, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND stream_id = %(stream_id)s
  AND stream_version > %(gt)s AND stream_version <= %(lte)s
ORDER BY stream_version LIMIT %(limit)s

-- name: stream_backwards
-- Decisions of a stream, the last ones first.
SELECT stream_version::int8, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND stream_id = %(stream_id)s
  AND stream_version > %(gt)s AND stream_version <= %(lte)s
ORDER BY stream_version DESC LIMIT %(limit)s

-- name: notifications
-- Decisions by position.
SELECT position, stream_id, stream_version::int8, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND position >= %(first)s AND position <= %(last)s
ORDER BY position LIMIT %(limit)s

-- name: notifications_of_topics
-- The same, of some types only.
SELECT position, stream_id, stream_version::int8, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND position >= %(first)s AND position <= %(last)s
  AND type = ANY(%(topics)s)
ORDER BY position LIMIT %(limit)s
