-- name: sealed
-- The sealed fields of some entries, each with the key of its subject.
SELECT entry.entry_id, entry.persona_id, entry.sealed, key.wrapped
FROM journal.entry
JOIN subject.subject_key AS key ON key.log_id = entry.log_id
    AND key.persona_id = entry.persona_id AND key.generation = get_byte(entry.sealed, 0)
WHERE entry.log_id = %s AND entry.entry_id = ANY(%s) AND entry.sealed IS NOT NULL
  AND key.wrapped IS NOT NULL AND key.state <> 'erased'
