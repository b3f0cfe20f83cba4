-- name: transfers
-- What ever left an account for another one.
SELECT stream_id, body FROM journal.entry WHERE log_id = %s AND type = %s

-- name: personas
-- Whose some accounts are.
SELECT account_id, persona_id FROM ledger.account WHERE log_id = %s AND account_id = ANY(%s)
