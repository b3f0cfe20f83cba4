-- name: lag
-- How far earning has come, when it took its last step, and since when its next fact waits; no row
-- before it has begun.
SELECT earning.judged, earning.swept, facts.position, next.recorded_at, last.recorded_at
FROM ledger.earning
JOIN journal.log_head AS facts ON facts.log_id = %(facts)s
LEFT JOIN journal.entry AS next
    ON next.log_id = facts.log_id AND next.position = earning.judged + 1
LEFT JOIN journal.entry AS last
    ON last.log_id = earning.log_id AND last.stream_id = %(stream)s
    AND last.stream_version = earning.version
WHERE earning.log_id = %(decisions)s
