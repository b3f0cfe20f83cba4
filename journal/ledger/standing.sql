-- name: standing
-- Accounts by their ids or by whose they are, and how far both logs reach in what they hold: facts
-- that were judged, decisions that were made. One statement, so one moment.
SELECT coalesce((SELECT judged FROM ledger.earning WHERE log_id = %(log_id)s), 0), head.position,
    found.account_id, found.persona_id, found.programme, found.version, found.position,
    found.next_timer, found.state
FROM journal.log_head AS head
LEFT JOIN (
    SELECT account_id, persona_id, programme, version::int8, position, next_timer, state
    FROM ledger.account WHERE log_id = %(log_id)s AND account_id = ANY(%(accounts)s)
    UNION ALL
    SELECT account_id, persona_id, programme, version::int8, position, next_timer, state
    FROM ledger.account WHERE log_id = %(log_id)s AND persona_id = ANY(%(personas)s)
        AND account_id <> ALL(%(accounts)s)
) AS found ON true
WHERE head.log_id = %(log_id)s
