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
-- Move the head past what was added.
UPDATE journal.log_head SET position = %s WHERE log_id = %s

-- name: hint
-- Wake whoever reads this log; a hint may be lost, readers poll too.
SELECT pg_notify(%s, %s)

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
INSERT INTO journal.rejected_message (log_id, receipt_id, received_at, channel, topic, partition,
    message_offset, source, code, detail, key_day, sealed, mends)
VALUES (%(log_id)s, %(receipt_id)s, to_timestamp(%(received_at)s), %(channel)s, %(topic)s,
    %(partition)s, %(offset)s, %(source)s, %(code)s, %(detail)s, %(key_day)s, %(sealed)s, %(mends)s)

-- name: mend
-- Note by which receipt or entry a rejected message was replaced.
UPDATE journal.rejected_message SET mended_by = %s WHERE log_id = %s AND receipt_id = %s
