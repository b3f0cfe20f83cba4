-- name: kept
-- What the journal holds, to be compared with what intake booked: facts, and rejected messages.
SELECT head.position,
    (SELECT count(*) FROM journal.rejected_message WHERE log_id = head.log_id)
FROM journal.log_head AS head WHERE head.log_id = %s
