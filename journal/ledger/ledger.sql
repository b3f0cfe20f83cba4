-- name: lock_accounts
-- Take the heads of accounts, in the order of their ids: nobody can wait for us in a circle.
SELECT account_id, version::int8, state FROM ledger.account
WHERE log_id = %s AND account_id = ANY(%s) ORDER BY account_id FOR UPDATE

-- name: requests
-- What was asked under these keys, and the redemptions that they began.
SELECT request_id, account_id, position, content_digest, answer, redemption FROM ledger.request
WHERE log_id = %s AND request_id = ANY(%s)

-- name: transfers
-- What an account has given to others.
SELECT type, body FROM journal.entry
WHERE log_id = %s AND stream_id = %s AND type = 'vinculo.points_transferred_out.v1'

-- name: write
-- Take the head of the log, last of all locks, and with the positions that it gives write accounts,
-- requests and redemptions; wake readers. One statement, so that the head is held for no journey
-- between us and the server more than the COPY of the entries needs.
WITH head AS (
    UPDATE journal.log_head SET position = position + %(count)s
    WHERE log_id = %(log_id)s
    RETURNING position - %(count)s AS before
), opened AS (
    INSERT INTO ledger.account (log_id, account_id, programme, persona_id, version, position,
        next_timer, state)
    SELECT %(log_id)s, account_id, programme, persona_id, version, before + number, next_timer, state
    FROM head, unnest(%(new_ids)s::uuid[], %(new_programmes)s::text[], %(new_personas)s::uuid[],
        %(new_versions)s::bigint[], %(new_numbers)s::bigint[], %(new_timers)s::bigint[],
        %(new_states)s::bytea[]) AS fresh (account_id, programme, persona_id, version, number,
            next_timer, state)
), changed AS (
    UPDATE ledger.account SET version = fresh.version, position = before + number,
        next_timer = fresh.next_timer, state = fresh.state
    FROM head, unnest(%(ids)s::uuid[], %(versions_before)s::bigint[], %(versions)s::bigint[],
        %(numbers)s::bigint[], %(timers)s::bigint[], %(states)s::bytea[]) AS fresh (account_id,
            version_before, version, number, next_timer, state)
    WHERE account.log_id = %(log_id)s AND account.account_id = fresh.account_id
      AND account.version = fresh.version_before
    RETURNING 1
), asked AS (
    INSERT INTO ledger.request (log_id, request_id, account_id, kind, position, content_digest,
        answer, redemption)
    SELECT %(log_id)s, request_id, account_id, kind, before + number, content_digest, answer,
        redemption
    FROM head, unnest(%(request_ids)s::uuid[], %(request_accounts)s::uuid[], %(kinds)s::text[],
        %(request_numbers)s::bigint[], %(digests)s::bytea[], %(answers)s::bytea[],
        %(redemptions)s::bytea[]) AS fresh (request_id, account_id, kind, number, content_digest,
            answer, redemption)
), redeemed AS (
    UPDATE ledger.request SET redemption = fresh.redemption
    FROM head, unnest(%(redemption_ids)s::uuid[], %(redemption_states)s::bytea[])
        AS fresh (request_id, redemption)
    WHERE request.log_id = %(log_id)s AND request.request_id = fresh.request_id
    RETURNING 1
)
SELECT before, (SELECT count(*) FROM changed), (SELECT count(*) FROM redeemed),
    pg_notify(%(channel)s, (before + %(count)s)::text)
FROM head

-- name: copy_entries
-- Add decisions.
COPY journal.entry (position, log_id, stream_version, occurred_at, recorded_at, entry_id,
    persona_id, stream_id, refers_to, source, type, content_digest, body, sealed, leaf)
FROM STDIN (FORMAT BINARY)
