-- Programmes are found among all other decisions by an index of their own. It holds the few entries
-- that speak of them, whatever the type and its version, and no fact: every process asks it again
-- and again whether something new was approved.
CREATE INDEX entry_programme_idx ON journal.entry (log_id, position)
    WHERE stream_id IS NOT NULL AND starts_with(type, 'vinculo.programme_');
