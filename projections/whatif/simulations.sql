-- name: give_up
-- What has told nothing for so long has died with its process.
UPDATE view.simulation SET state = 'failed', failure = 'its process ended without a word'
WHERE log_id = %s AND state = 'running'
  AND told_at < clock_timestamp() - make_interval(secs => %s)

-- name: begin
-- A new one, unless one is running.
INSERT INTO view.simulation (log_id, simulation_id, programme, asked_by, scenario)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT (log_id) WHERE state = 'running' DO NOTHING
RETURNING 1

-- name: forget
-- Only the latest are kept.
DELETE FROM view.simulation WHERE log_id = %(log_id)s AND state <> 'running' AND simulation_id NOT IN (
    SELECT simulation_id FROM view.simulation WHERE log_id = %(log_id)s
    ORDER BY asked_at DESC, simulation_id LIMIT %(kept)s)

-- name: tell
-- How far it has come; nothing is returned if it is to stop.
UPDATE view.simulation SET told_at = clock_timestamp(), facts = %(facts)s,
    decisions = %(decisions)s, decisions_total = %(decisions_total)s, accounts = %(accounts)s
WHERE log_id = %(log_id)s AND simulation_id = %(id)s AND state = 'running' RETURNING 1

-- name: finish
-- Its end, unless it was ended before.
UPDATE view.simulation SET told_at = clock_timestamp(), state = %(state)s, report = %(report)s,
    failure = %(failure)s
WHERE log_id = %(log_id)s AND simulation_id = %(id)s AND state = 'running'

-- name: cancel
-- It is to stop; one that has ended stays as it is.
UPDATE view.simulation SET state = 'cancelled'
WHERE log_id = %s AND simulation_id = %s AND programme = %s AND state = 'running'

-- name: read
-- One of them.
SELECT simulation_id, programme, asked_by, state, facts, decisions, decisions_total, accounts, report,
    failure
FROM view.simulation WHERE log_id = %s AND simulation_id = %s AND programme = %s
