-- name: plain
-- How many keys these personas have, and who of them has an active first one, as one block of ids.
SELECT count(*),
    coalesce(string_agg(uuid_send(persona_id), ''::bytea)
        FILTER (WHERE generation = 1 AND state = 'active'), ''::bytea)
FROM subject.subject_key
WHERE log_id = %s AND persona_id = ANY(%s)

-- name: odd
-- The state of those keys of these personas that are not an active first one.
SELECT persona_id, state
FROM subject.subject_key
WHERE log_id = %s AND persona_id = ANY(%s) AND NOT (generation = 1 AND state = 'active')
ORDER BY persona_id, generation

-- name: keys
-- These personas' keys, of each the newest generation last.
SELECT persona_id, state, generation::int8, wrapped
FROM subject.subject_key
WHERE log_id = %s AND persona_id = ANY(%s)
ORDER BY persona_id, generation

-- name: remember
-- Keys of personas seen for the first time; who comes second keeps the first one's.
INSERT INTO subject.subject_key (log_id, persona_id, namespace, wrapped)
SELECT %s, * FROM unnest(%s::uuid[], %s::text[], %s::bytea[])
ON CONFLICT DO NOTHING
RETURNING persona_id

-- name: erasures
-- How many subjects were erased or blocked so far.
SELECT erasures FROM journal.log_head WHERE log_id = %s

-- name: identifiers
-- The sealed identifiers of some personas.
SELECT persona_id, namespace, wrapped
FROM subject.subject_key
WHERE log_id = %s AND persona_id = ANY(%s) AND state <> 'erased'

-- name: set_state
-- Block or release a subject.
UPDATE subject.subject_key SET state = %(state)s
WHERE log_id = %(log_id)s AND persona_id = %(persona_id)s AND state NOT IN ('erased', %(state)s)

-- name: count_erasure
-- Tell every append that its caches are stale.
UPDATE journal.log_head SET erasures = erasures + 1 WHERE log_id = %s
