-- name: after
-- Decisions about programmes behind a position, in order; the index of programmes holds no others.
SELECT position, stream_id, stream_version::int8, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND position > %(after)s AND position <= %(until)s
  AND stream_id IS NOT NULL AND starts_with(type, 'vinculo.programme_')
ORDER BY position
