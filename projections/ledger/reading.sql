-- name: window
-- Decisions of a window of positions, in order; `recorded_at` tells what was recorded together.
SELECT position, stream_id, recorded_at, type, body FROM journal.entry
WHERE log_id = %s AND position > %s AND position <= %s ORDER BY position

-- name: programmes
-- The programme of each of some accounts; other streams are left out.
SELECT account_id, programme FROM ledger.account WHERE log_id = %s AND account_id = ANY(%s)

-- name: states
-- Every account as it stands.
SELECT account_id, version::int8, state FROM ledger.account WHERE log_id = %s

-- name: account_programmes
-- Accounts in the order of their ids, behind one.
SELECT account_id, programme FROM ledger.account
WHERE log_id = %s AND account_id > %s ORDER BY account_id LIMIT %s

-- name: streams
-- The decisions of some accounts up to a position, each stream in its order.
SELECT stream_id, type, body FROM journal.entry
WHERE log_id = %s AND stream_id = ANY(%s) AND position <= %s ORDER BY stream_id, stream_version

-- name: account
-- The programme of an account.
SELECT programme FROM ledger.account WHERE log_id = %s AND account_id = %s

-- name: stream
-- The decisions of an account from its first one on.
SELECT stream_version::int8, type, body FROM journal.entry
WHERE log_id = %s AND stream_id = %s ORDER BY stream_version LIMIT %s

-- name: due
-- How many accounts time has changed by an instant without anybody running their timers.
SELECT count(*) FROM ledger.account WHERE log_id = %s AND next_timer <= %s

-- name: judged
-- How far earning has come in the facts log.
SELECT judged FROM ledger.earning WHERE log_id = %s
