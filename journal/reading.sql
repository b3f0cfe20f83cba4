-- name: head
-- How far a log reaches.
SELECT position FROM journal.log_head WHERE log_id = %s

-- name: count
-- How many entries there are up to a position.
SELECT count(*) FROM journal.entry WHERE log_id = %s AND position <= %s

-- name: after
-- Entries behind a position, in order.
SELECT position, entry_id, persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry WHERE log_id = %s AND position > %s ORDER BY position LIMIT %s

-- name: by_personas
-- The history of some subjects.
SELECT position, entry_id, persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry WHERE log_id = %s AND persona_id = ANY(%s) AND position <= %s

-- name: by_persona_range
-- The history of all subjects of a range.
SELECT position, entry_id, persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry WHERE log_id = %s AND persona_id BETWEEN %s AND %s AND position <= %s

-- name: touching_personas
-- Entries of some types that touch some personas without being theirs; no types means all.
SELECT position, entry_id, entry.persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry JOIN (
    SELECT DISTINCT position FROM journal.entry_persona
    WHERE log_id = %(log_id)s AND persona_id = ANY(%(personas)s) AND position <= %(up_to)s
) AS touched USING (position)
WHERE log_id = %(log_id)s AND (%(types)s::text[] IS NULL OR type = ANY(%(types)s))

-- name: touching_persona_range
-- The same for all personas of a range.
SELECT position, entry_id, entry.persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry JOIN (
    SELECT DISTINCT position FROM journal.entry_persona
    WHERE log_id = %(log_id)s AND persona_id BETWEEN %(low)s AND %(high)s AND position <= %(up_to)s
) AS touched USING (position)
WHERE log_id = %(log_id)s AND (%(types)s::text[] IS NULL OR type = ANY(%(types)s))

-- name: naming
-- Corrections and voids that name some entries.
SELECT position, entry_id, persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry WHERE log_id = %s AND refers_to = ANY(%s) AND position <= %s

-- name: by_ids
-- Entries by their ids.
SELECT position, entry_id, persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry WHERE log_id = %s AND entry_id = ANY(%s) AND position <= %s

-- name: any_naming
-- Whether anything was ever corrected.
SELECT EXISTS (SELECT FROM journal.entry WHERE log_id = %s AND refers_to IS NOT NULL)

-- name: linking_after
-- Entries that touch several personas, behind a position, in order.
SELECT position, entry_id, entry.persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry JOIN (
    SELECT DISTINCT position FROM journal.entry_persona WHERE log_id = %(log_id)s
    AND position > %(after)s AND position <= %(up_to)s
) AS touched USING (position)
WHERE log_id = %(log_id)s AND position > %(after)s AND position <= %(up_to)s ORDER BY position
