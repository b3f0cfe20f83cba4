-- name: lags
-- Every generation that is not retired, how far its facts reach, and since when the next one waits.
SELECT generation.view, generation.generation, generation.state, generation.facts_position,
    generation.decisions_position, generation.horizon, generation.owner, generation.advanced_at,
    facts.position, next.recorded_at
FROM view.view_generation AS generation
JOIN journal.log_head AS facts ON facts.log_id = generation.log_id
LEFT JOIN journal.entry AS next
    ON next.log_id = generation.log_id AND next.position = generation.facts_position + 1
WHERE generation.log_id = %s AND generation.state <> 'retired'
ORDER BY generation.view, generation.generation
