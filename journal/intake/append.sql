-- name: swap
-- Advance a partition, if it is still where we left it and still ours.
UPDATE journal.intake_partition SET next_offset = %(next)s
WHERE log_id = %(log_id)s AND topic = %(topic)s AND partition = %(partition)s
  AND next_offset = %(expected)s AND epoch = %(epoch)s

-- name: lock_head
-- Take the head of the log; whoever holds it is the only one to append.
SELECT position, erasures FROM journal.log_head WHERE log_id = %s FOR UPDATE

-- name: known
-- Which of these entries exist, and with which content.
SELECT entry_id, content_digest, position FROM journal.entry
WHERE log_id = %s AND entry_id = ANY(%s)

-- name: copy_entries
-- Add entries.
COPY journal.entry (position, log_id, stream_version, occurred_at, recorded_at, entry_id,
    persona_id, stream_id, refers_to, source, type, content_digest, body, sealed, leaf)
FROM STDIN (FORMAT BINARY)

-- name: copy_entry_personas
-- Add the further personas that entries touch.
COPY journal.entry_persona (log_id, position, persona_id) FROM STDIN (FORMAT BINARY)

-- name: advance_head
-- Move the head past what was added, and wake whoever reads this log; a hint may be lost, readers
-- poll too.
WITH moved AS (
    UPDATE journal.log_head SET position = %(position)s WHERE log_id = %(log_id)s RETURNING log_id
)
SELECT pg_notify(%(channel)s, %(hint)s) FROM moved

-- name: count
-- Book what became of messages.
INSERT INTO journal.intake_account (log_id, channel, topic, source, hour, outcome, messages)
SELECT %s, %s, topic, source, to_timestamp(%s), outcome, messages
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) AS counted(topic, source, outcome, messages)
ORDER BY topic, source, outcome
ON CONFLICT ON CONSTRAINT intake_account_pkey
DO UPDATE SET messages = intake_account.messages + excluded.messages

-- name: keep_rejected
-- Keep messages that could not become facts.
INSERT INTO journal.rejected_message (log_id, channel, received_at, key_day, receipt_id, topic,
    partition, message_offset, source, code, detail, sealed, mends)
SELECT %s, %s, to_timestamp(%s), %s, receipt_id, topic, nullif(partition, -1),
    nullif(message_offset, -1), source, code, detail, sealed, mends
FROM unnest(%s::uuid[], %s::text[], %s::integer[], %s::bigint[], %s::text[], %s::text[],
    %s::text[], %s::bytea[], %s::uuid[]) AS kept (receipt_id, topic, partition, message_offset,
    source, code, detail, sealed, mends)

-- name: mend
-- Note by which receipt or entry a rejected message was replaced.
UPDATE journal.rejected_message SET mended_by = mended.replaced_by
FROM unnest(%s::uuid[], %s::uuid[]) AS mended (receipt_id, replaced_by)
WHERE log_id = %s AND rejected_message.receipt_id = mended.receipt_id
