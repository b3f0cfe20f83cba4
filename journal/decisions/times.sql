-- name: latest
-- The last decision of the clock's stream.
SELECT position, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND stream_id = %(stream_id)s
ORDER BY stream_version DESC LIMIT 1

-- name: latest_until
-- The last decision of the clock's stream that does not stand behind a position. Versions and
-- positions of one stream grow together, so the place is found by halving: some twenty steps in the
-- stream's index, however many postings stand between the ticks. LIMIT keeps the planner from
-- reading the whole stream once and joining it.
WITH RECURSIVE search (low, high) AS (
    SELECT 0, coalesce(max(stream_version), 0) FROM journal.entry
    WHERE log_id = %(log_id)s AND stream_id = %(stream_id)s
    UNION ALL
    SELECT CASE WHEN position <= %(until)s THEN stream_version ELSE low END,
        CASE WHEN position <= %(until)s THEN high ELSE stream_version - 1 END
    FROM search CROSS JOIN LATERAL (
        SELECT stream_version, position FROM journal.entry
        WHERE log_id = %(log_id)s AND stream_id = %(stream_id)s
          AND stream_version = (low + high + 1) / 2
        LIMIT 1
    ) AS middle
    WHERE low < high
)
SELECT position, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND stream_id = %(stream_id)s
  AND stream_version = (SELECT max(low) FROM search)

-- name: after
-- Decisions of the clock's stream behind a position, found in the same way.
WITH RECURSIVE search (low, high) AS (
    SELECT 0, coalesce(max(stream_version), 0) FROM journal.entry
    WHERE log_id = %(log_id)s AND stream_id = %(stream_id)s
    UNION ALL
    SELECT CASE WHEN position <= %(after)s THEN stream_version ELSE low END,
        CASE WHEN position <= %(after)s THEN high ELSE stream_version - 1 END
    FROM search CROSS JOIN LATERAL (
        SELECT stream_version, position FROM journal.entry
        WHERE log_id = %(log_id)s AND stream_id = %(stream_id)s
          AND stream_version = (low + high + 1) / 2
        LIMIT 1
    ) AS middle
    WHERE low < high
)
SELECT position, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND stream_id = %(stream_id)s
  AND stream_version > (SELECT max(low) FROM search)
ORDER BY stream_version LIMIT %(limit)s
