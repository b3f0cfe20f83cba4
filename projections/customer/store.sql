-- name: states
-- The states of some customers.
SELECT customer_id, state FROM view.customer
WHERE log_id = %s AND generation = %s AND customer_id = ANY(%s)

-- name: keep
-- Write customers.
INSERT INTO view.customer (log_id, generation, changed_position, customer_id, state, valid_until,
    stage_since, last_seen_at, last_purchase_at, stage, at_risk, anonymous)
SELECT %s, %s, %s, * FROM unnest(%s::uuid[], %s::bytea[], %s::timestamptz[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[], %s::text[], %s::bool[], %s::bool[])
ON CONFLICT ON CONSTRAINT customer_pkey DO UPDATE SET
    changed_position = excluded.changed_position, state = excluded.state,
    valid_until = excluded.valid_until, stage_since = excluded.stage_since,
    last_seen_at = excluded.last_seen_at, last_purchase_at = excluded.last_purchase_at,
    stage = excluded.stage, at_risk = excluded.at_risk, anonymous = excluded.anonymous

-- name: drop
-- Customers that are no more: absorbed, or all that was known of them was voided.
DELETE FROM view.customer WHERE log_id = %s AND generation = %s AND customer_id = ANY(%s)

-- name: due
-- Customers whose state time alone has changed by now.
SELECT customer_id, state FROM view.customer
WHERE log_id = %s AND generation = %s AND valid_until <= %s
ORDER BY valid_until, customer_id LIMIT %s

-- name: copy
-- Write customers of a generation that nobody else writes.
COPY view.customer (log_id, generation, changed_position, customer_id, state, valid_until,
    stage_since, last_seen_at, last_purchase_at, stage, at_risk, anonymous)
FROM STDIN (FORMAT BINARY)

-- name: range
-- All customers of a range, sorted.
SELECT customer_id, state, valid_until, stage_since, last_seen_at, last_purchase_at, stage, at_risk,
    anonymous FROM view.customer
WHERE log_id = %s AND generation = %s AND customer_id BETWEEN %s AND %s ORDER BY customer_id

-- name: awaited
-- Which entries are awaited because a correction named them already.
SELECT entry_id FROM view.awaited_entry WHERE log_id = %s AND generation = %s

-- name: await_unmatched
-- Corrections of what has not arrived, as known at a position.
INSERT INTO view.awaited_entry (log_id, generation, entry_id)
SELECT DISTINCT %(log_id)s::integer, %(generation)s::integer, naming.refers_to
FROM journal.entry naming
WHERE naming.log_id = %(log_id)s AND naming.refers_to IS NOT NULL AND naming.position <= %(up_to)s
  AND NOT EXISTS (SELECT FROM journal.entry named WHERE named.log_id = %(log_id)s
    AND named.entry_id = naming.refers_to AND named.position <= %(up_to)s)

-- name: await
-- A correction came before what it corrects.
INSERT INTO view.awaited_entry (log_id, generation, entry_id)
SELECT %s, %s, unnest(%s::uuid[]) ON CONFLICT DO NOTHING

-- name: arrived
-- What was awaited has come.
DELETE FROM view.awaited_entry WHERE log_id = %s AND generation = %s AND entry_id = ANY(%s)

-- name: clear_customers
-- Remove a generation's customers.
DELETE FROM view.customer WHERE log_id = %s AND generation = %s AND customer_id BETWEEN %s AND %s

-- name: clear_links
-- Remove a generation's links.
DELETE FROM view.link WHERE log_id = %s AND generation = %s

-- name: clear_memberships
-- Remove a generation's memberships.
DELETE FROM view.membership WHERE log_id = %s AND generation = %s

-- name: clear_awaited
-- Remove what a generation awaits.
DELETE FROM view.awaited_entry WHERE log_id = %s AND generation = %s
