-- name: fact
-- One fact as a stream of one event.
SELECT type, body FROM journal.entry WHERE log_id = %s AND entry_id = %s

-- name: notifications
-- Facts by position, each the first and only event of its stream.
SELECT position, entry_id, 1::int8, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND position >= %(first)s AND position <= %(last)s
ORDER BY position LIMIT %(limit)s

-- name: notifications_of_topics
-- The same, of some types only.
SELECT position, entry_id, 1::int8, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND position >= %(first)s AND position <= %(last)s
  AND type = ANY(%(topics)s)
ORDER BY position LIMIT %(limit)s
