-- name: accounts
-- What became of all messages received, by hour, channel, topic and source, the newest hour first.
SELECT hour, channel, topic, source,
    coalesce(sum(messages) FILTER (WHERE outcome = 'stored'), 0)::int8,
    coalesce(sum(messages) FILTER (WHERE outcome = 'duplicate'), 0)::int8,
    coalesce(sum(messages) FILTER (WHERE outcome = 'rejected'), 0)::int8,
    coalesce(sum(messages) FILTER (WHERE outcome = 'suppressed'), 0)::int8
FROM journal.intake_account
WHERE log_id = %(log_id)s
  AND (%(channel)s::text IS NULL OR channel = %(channel)s)
  AND (%(source)s::text IS NULL OR source = %(source)s)
  AND (%(since)s::timestamptz IS NULL OR hour >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR hour < %(until)s)
  AND (%(after_hour)s::timestamptz IS NULL
       OR (hour, channel, topic, source) < (%(after_hour)s, %(after_channel)s, %(after_topic)s,
           %(after_source)s))
GROUP BY hour, channel, topic, source
ORDER BY hour DESC, channel DESC, topic DESC, source DESC
LIMIT %(limit)s

-- name: rejected
-- One rejected message, without what it holds.
SELECT receipt_id, received_at, channel, topic, partition, message_offset::int8, source, code,
    detail, mends, mended_by
FROM journal.rejected_message WHERE log_id = %s AND receipt_id = %s

-- name: standing
-- One event, and what has been said of it since.
SELECT entry.position, entry.type, entry.recorded_at, naming.entry_id, naming.type,
    EXISTS (SELECT FROM journal.entry AS voiding WHERE voiding.log_id = entry.log_id
        AND voiding.refers_to = naming.entry_id AND voiding.type = %(void)s)
FROM journal.entry
LEFT JOIN journal.entry AS naming
    ON naming.log_id = entry.log_id AND naming.refers_to = entry.entry_id
WHERE entry.log_id = %(log_id)s AND entry.entry_id = %(entry_id)s
ORDER BY naming.position
