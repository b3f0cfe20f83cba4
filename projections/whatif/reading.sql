-- name: decisions
-- Decisions of some types in a range of positions, in order.
SELECT position, stream_id, recorded_at, type, body FROM journal.entry
WHERE log_id = %(log_id)s AND position > %(after)s AND position <= %(up_to)s
  AND type = ANY(%(types)s::text[]) ORDER BY position

-- name: facts
-- Facts in a range of positions that a rule may need: by their types, and all that link personas.
SELECT position, entry_id, persona_id, refers_to, source, type, occurred_at, body
FROM journal.entry
WHERE log_id = %(log_id)s AND position > %(after)s AND position <= %(up_to)s
  AND (type = ANY(%(types)s::text[]) OR position IN (
    SELECT position FROM journal.entry_persona
    WHERE log_id = %(log_id)s AND position > %(after)s AND position <= %(up_to)s))
ORDER BY position

-- name: corrected
-- Touchpoints that were corrected or voided, and corrections that were.
SELECT DISTINCT refers_to FROM journal.entry WHERE log_id = %s AND refers_to IS NOT NULL

-- name: returned
-- Purchases and returns that share a business number.
SELECT entry_id FROM ledger.sale JOIN (
    SELECT source, number FROM ledger.sale WHERE log_id = %(log_id)s
    GROUP BY source, number HAVING count(*) > 1
) AS shared USING (source, number)
WHERE log_id = %(log_id)s

-- name: linked
-- Personas that are, or were once, tied to others.
SELECT persona_id FROM journal.entry_persona WHERE log_id = %(log_id)s
UNION
SELECT entry.persona_id FROM journal.entry JOIN journal.entry_persona USING (log_id, position)
WHERE log_id = %(log_id)s
