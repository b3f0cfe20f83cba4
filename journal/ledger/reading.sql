-- name: accounts
-- Accounts by their ids.
SELECT account_id, persona_id, programme, version::int8, position, next_timer, state
FROM ledger.account WHERE log_id = %s AND account_id = ANY(%s) ORDER BY account_id

-- name: accounts_of_personas
-- The accounts of some personas, in every programme.
SELECT account_id, persona_id, programme, version::int8, position, next_timer, state
FROM ledger.account WHERE log_id = %s AND persona_id = ANY(%s) ORDER BY account_id

-- name: accounts_after
-- Accounts in the order of their ids, behind one.
SELECT account_id, persona_id, programme, version::int8, position, next_timer, state
FROM ledger.account WHERE log_id = %s AND account_id > %s ORDER BY account_id LIMIT %s

-- name: due
-- Accounts that time has changed by an instant, the ones that have waited longest first.
SELECT account_id FROM ledger.account
WHERE log_id = %s AND next_timer <= %s ORDER BY next_timer, account_id LIMIT %s

-- name: request
-- What was asked under a key.
SELECT request_id, account_id, position, content_digest, answer, redemption FROM ledger.request
WHERE log_id = %s AND request_id = %s

-- name: streams
-- The streams of some accounts, whole, with their positions.
SELECT stream_id, stream_version::int8, position, type, body FROM journal.entry
WHERE log_id = %s AND stream_id = ANY(%s) ORDER BY stream_id, stream_version

-- name: redemptions
-- What may be reversed, of the requests under some keys.
SELECT request_id, account_id, redemption FROM ledger.request
WHERE log_id = %s AND request_id = ANY(%s) AND redemption IS NOT NULL

-- name: redemption_count
-- How many requests hold something that may be reversed.
SELECT count(*) FROM ledger.request WHERE log_id = %s AND redemption IS NOT NULL

-- name: decisions_after
-- Decisions behind a position, in order.
SELECT position, stream_id, type, body FROM journal.entry
WHERE log_id = %s AND position > %s ORDER BY position LIMIT %s

-- name: missing
-- Which of these accounts have no row.
SELECT stream_id FROM unnest(%(ids)s::uuid[]) AS opened (stream_id)
WHERE NOT EXISTS (
    SELECT FROM ledger.account WHERE log_id = %(log_id)s AND account_id = opened.stream_id)
