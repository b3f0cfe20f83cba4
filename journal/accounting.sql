-- name: stream
-- A stream as it was known at a position.
SELECT stream_version::int8, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND stream_id = %(stream_id)s AND position <= %(known_at)s
ORDER BY stream_version
