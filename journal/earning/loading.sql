-- name: by_personas
-- The history of some subjects.
SELECT position, entry_id, persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry WHERE log_id = %s AND persona_id = ANY(%s) AND position <= %s

-- name: touching_personas
-- Entries that touch some personas without being theirs.
SELECT position, entry_id, entry.persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry JOIN (
    SELECT DISTINCT position FROM journal.entry_persona
    WHERE log_id = %(log_id)s AND persona_id = ANY(%(personas)s) AND position <= %(up_to)s
) AS touched USING (position)
WHERE log_id = %(log_id)s

-- name: by_ids
-- Entries by their ids.
SELECT position, entry_id, persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry WHERE log_id = %s AND entry_id = ANY(%s) AND position <= %s

-- name: naming
-- Corrections and voids that name some entries.
SELECT position, entry_id, persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry WHERE log_id = %s AND refers_to = ANY(%s) AND position <= %s

-- name: sales
-- Purchases and returns of some business numbers.
SELECT entry_id FROM ledger.sale JOIN unnest(%(sources)s::text[], %(numbers)s::text[])
    AS asked (source, number) USING (source, number)
WHERE log_id = %(log_id)s
