-- name: key
-- The wrapped key of a day.
SELECT wrapped_key FROM subject.rejected_key WHERE log_id = %s AND day = %s

-- name: make_key
-- The key of a new day; who comes second keeps the first one's.
INSERT INTO subject.rejected_key (log_id, day, wrapped_key) VALUES (%s, %s, %s)
ON CONFLICT DO NOTHING

-- name: list
-- Rejected messages, the newest first, from a place on.
SELECT receipt_id, received_at, channel, topic, partition, message_offset::int8, source, code,
    detail, mends, mended_by
FROM journal.rejected_message
WHERE log_id = %(log_id)s
  AND (%(source)s::text IS NULL OR source = %(source)s)
  AND (%(code)s::text IS NULL OR code = %(code)s)
  AND (NOT %(open_only)s OR mended_by IS NULL)
  AND (%(before)s::uuid IS NULL OR (received_at, receipt_id) < (
        SELECT received_at, receipt_id FROM journal.rejected_message
        WHERE log_id = %(log_id)s AND receipt_id = %(before)s))
ORDER BY received_at DESC, receipt_id DESC
LIMIT %(limit)s

-- name: sealed
-- One rejected message as it is kept.
SELECT message.key_day, message.sealed, message.channel, message.topic, key.wrapped_key
FROM journal.rejected_message message
LEFT JOIN subject.rejected_key key ON key.log_id = message.log_id AND key.day = message.key_day
WHERE message.log_id = %s AND message.receipt_id = %s

-- name: note_reading
-- Somebody read what a rejected message holds.
INSERT INTO journal.rejected_reading (log_id, receipt_id, read_at, reader)
VALUES (%s, %s, clock_timestamp(), %s)

-- name: forget
-- Drop the keys of days that are over their time; what was sealed under them is gone.
DELETE FROM subject.rejected_key WHERE log_id = %s AND day < %s
