-- name: live
-- The generation of a view that is read.
SELECT generation, fold, facts_position, decisions_position, horizon, epoch
FROM view.view_generation WHERE log_id = %s AND view = %s AND state = 'live'

-- name: one
-- One generation of a view.
SELECT generation, fold, facts_position, decisions_position, horizon, epoch
FROM view.view_generation WHERE log_id = %s AND view = %s AND generation = %s

-- name: begin
-- A new generation, the number behind the last one.
INSERT INTO view.view_generation (log_id, view, generation, state, fold)
SELECT %(log_id)s, %(view)s, coalesce(max(generation), 0) + 1, %(state)s, %(fold)s
FROM view.view_generation WHERE log_id = %(log_id)s AND view = %(view)s
RETURNING generation

-- name: begin_live
-- The first generation of a view; who comes second finds it made.
INSERT INTO view.view_generation (log_id, view, generation, state, fold)
VALUES (%(log_id)s, %(view)s, 1, 'live', %(fold)s) ON CONFLICT DO NOTHING

-- name: claim
-- Become the only one who writes a generation.
UPDATE view.view_generation SET epoch = epoch + 1, owner = %(owner)s
WHERE log_id = %(log_id)s AND view = %(view)s AND generation = %(generation)s
  AND state <> 'retired'
RETURNING generation, fold, facts_position, decisions_position, horizon, epoch

-- name: advance
-- Move a generation on, if it is still where we left it and still ours.
UPDATE view.view_generation
SET facts_position = %(facts)s, decisions_position = %(decisions)s, horizon = %(horizon)s,
    advanced_at = clock_timestamp()
WHERE log_id = %(log_id)s AND view = %(view)s AND generation = %(generation)s
  AND epoch = %(epoch)s AND facts_position = %(expected)s AND state <> 'retired'

-- name: retire
-- Take the live generation off.
UPDATE view.view_generation SET state = 'retired'
WHERE log_id = %s AND view = %s AND state = 'live'

-- name: retire_one
-- Give a generation up that was being built.
UPDATE view.view_generation SET state = 'retired' WHERE log_id = %s AND view = %s AND generation = %s

-- name: make_live
-- Put a generation in its place.
UPDATE view.view_generation SET state = 'live' WHERE log_id = %s AND view = %s AND generation = %s

-- name: all
-- Every generation of every view.
SELECT view, generation, state, fold, facts_position, decisions_position, horizon, owner, advanced_at
FROM view.view_generation WHERE log_id = %s ORDER BY view, generation
