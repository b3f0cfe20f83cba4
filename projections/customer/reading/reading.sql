-- name: documents
-- Some customers by any of their personas, with the coordinate at which they were read. The state
-- travels only if the row's version is another than the one that is known already.
SELECT asked.persona_id, customer.customer_id, live.facts_position, live.decisions_position,
    row.version,
    CASE WHEN row.version = asked.version THEN NULL ELSE customer.state END,
    CASE WHEN row.version = asked.version THEN NULL ELSE (
        SELECT string_agg(one.namespace || ' ' || one.persona_id::text, ',')
        FROM view.membership AS one
        WHERE one.log_id = live.log_id AND one.generation = live.generation
          AND one.customer_id = customer.customer_id
    ) END
FROM unnest(%s::uuid[], %s::bytea[]) AS asked(persona_id, version)
CROSS JOIN (
    SELECT log_id, generation, facts_position, decisions_position FROM view.view_generation
    WHERE log_id = %s AND view = 'customer' AND state = 'live'
) AS live
LEFT JOIN view.membership AS member
    ON member.log_id = live.log_id AND member.generation = live.generation
    AND member.persona_id = asked.persona_id
LEFT JOIN view.customer AS customer
    ON customer.log_id = live.log_id AND customer.generation = live.generation
    AND customer.customer_id = coalesce(member.customer_id, asked.persona_id)
LEFT JOIN LATERAL (
    SELECT int4send(live.generation) || int8send(customer.changed_position)
        || coalesce(timestamptz_send(customer.valid_until), '') AS version
) AS row ON true

-- name: customers_of
-- The customers of some personas, as far as they are known.
SELECT asked.persona_id, customer.customer_id
FROM unnest(%(personas)s::uuid[]) AS asked(persona_id)
LEFT JOIN view.membership AS member
    ON member.log_id = %(log_id)s AND member.generation = %(generation)s
    AND member.persona_id = asked.persona_id
JOIN view.customer AS customer
    ON customer.log_id = %(log_id)s AND customer.generation = %(generation)s
    AND customer.customer_id = coalesce(member.customer_id, asked.persona_id)

-- name: list
-- Customers by what they are searched by, in the order of their ids.
SELECT customer_id, stage, stage_since, at_risk, anonymous, last_seen_at, last_purchase_at
FROM view.customer
WHERE log_id = %(log_id)s AND generation = %(generation)s
  AND (%(after)s::uuid IS NULL OR customer_id > %(after)s)
  AND (%(stage)s::text IS NULL OR stage = %(stage)s)
  AND (%(at_risk)s::bool IS NULL OR at_risk = %(at_risk)s)
  AND (%(anonymous)s::bool IS NULL OR anonymous = %(anonymous)s)
  AND (%(purchased_since)s::timestamptz IS NULL OR last_purchase_at >= %(purchased_since)s)
  AND (%(purchased_before)s::timestamptz IS NULL OR last_purchase_at < %(purchased_before)s)
  AND (%(seen_since)s::timestamptz IS NULL OR last_seen_at >= %(seen_since)s)
  AND (%(seen_before)s::timestamptz IS NULL OR last_seen_at < %(seen_before)s)
ORDER BY customer_id
LIMIT %(limit)s
