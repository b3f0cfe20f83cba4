-- name: claim
-- Become the owner of some partitions: each gets a new epoch, so that whoever owned it before is
-- fenced at its next swap. A partition seen for the first time starts at its beginning, and so does
-- one without a topic id, which an operator has told to be read anew. Rows are taken in the order
-- in which swaps take them.
INSERT INTO journal.intake_partition AS owned
    (log_id, topic, partition, topic_id, next_offset, epoch, owner, claimed_at)
SELECT %(log_id)s, topic, partition, topic_id, beginning, 1, %(owner)s, clock_timestamp()
FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(topic_ids)s::text[],
    %(beginnings)s::int8[]) AS wanted(topic, partition, topic_id, beginning)
ORDER BY topic COLLATE "C", partition
ON CONFLICT ON CONSTRAINT intake_partition_pkey DO UPDATE SET
    epoch = owned.epoch + 1,
    owner = excluded.owner,
    claimed_at = excluded.claimed_at,
    next_offset = CASE owned.topic_id WHEN '' THEN excluded.next_offset ELSE owned.next_offset END,
    topic_id = CASE owned.topic_id WHEN '' THEN excluded.topic_id ELSE owned.topic_id END
RETURNING topic, partition, topic_id, next_offset, epoch, coalesce(paused_because, '')

-- name: pause_topic
-- Pause every partition of a topic that is not paused yet.
UPDATE journal.intake_partition SET paused_because = %(because)s
WHERE log_id = %(log_id)s AND topic = %(topic)s AND paused_because IS NULL

-- name: pause_partition
-- Pause one partition, if it is still ours.
UPDATE journal.intake_partition SET paused_because = %(because)s
WHERE log_id = %(log_id)s AND topic = %(topic)s AND partition = %(partition)s
  AND epoch = %(epoch)s

-- name: resume_topic
-- Let the partitions of a topic go on, all of them or those paused for one reason.
UPDATE journal.intake_partition SET paused_because = NULL
WHERE log_id = %(log_id)s AND topic = %(topic)s AND paused_because IS NOT NULL
  AND starts_with(paused_because, %(code)s)

-- name: read_anew
-- Forget where a topic was read up to; its next owner starts at its beginning, as it is now.
UPDATE journal.intake_partition
SET topic_id = '', paused_because = NULL, epoch = epoch + 1
WHERE log_id = %(log_id)s AND topic = %(topic)s

-- name: paused
-- Which partitions are paused, and why.
SELECT topic, partition, paused_because FROM journal.intake_partition
WHERE log_id = %(log_id)s AND paused_because IS NOT NULL

-- name: partitions
-- Every partition that was ever read, who owns it and up to where it was read.
SELECT topic, partition, topic_id, next_offset, epoch, owner, coalesce(paused_because, '')
FROM journal.intake_partition WHERE log_id = %(log_id)s ORDER BY topic, partition
