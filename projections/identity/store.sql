-- name: links
-- The state of every pair that some personas are part of.
SELECT persona_id, other_id, implied, explicit, linked
FROM view.link WHERE log_id = %s AND generation = %s AND persona_id = ANY(%s)

-- name: links_named
-- The same with namespaces, for pairs that are not known by name yet.
SELECT namespace, persona_id, other_namespace, other_id, implied, explicit, linked
FROM view.link WHERE log_id = %s AND generation = %s AND persona_id = ANY(%s)

-- name: keep_links
-- Write the state of pairs, each from one side.
INSERT INTO view.link (log_id, generation, persona_id, other_id, namespace, other_namespace,
    implied, explicit, linked, joined)
SELECT %s, %s, * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::bool[],
    %s::bytea[], %s::bool[], %s::bool[])
ON CONFLICT ON CONSTRAINT link_pkey DO UPDATE SET implied = excluded.implied,
    explicit = excluded.explicit, linked = excluded.linked, joined = excluded.joined

-- name: component
-- Every joined pair of the components in which some personas lie, from one side.
WITH RECURSIVE reached (persona_id) AS (
    SELECT unnest(%(personas)s::uuid[])
    UNION
    SELECT link.other_id FROM reached JOIN view.link ON link.log_id = %(log_id)s
        AND link.generation = %(generation)s AND link.persona_id = reached.persona_id AND link.joined
)
SELECT link.namespace, link.persona_id, link.other_namespace, link.other_id
FROM reached JOIN view.link ON link.log_id = %(log_id)s AND link.generation = %(generation)s
    AND link.persona_id = reached.persona_id AND link.joined
WHERE link.persona_id < link.other_id

-- name: joined
-- Every joined pair, from one side.
SELECT namespace, persona_id, other_namespace, other_id FROM view.link
WHERE log_id = %s AND generation = %s AND joined AND persona_id < other_id

-- name: memberships
-- The customers of some personas; whoever is absent is their own.
SELECT persona_id, customer_id FROM view.membership
WHERE log_id = %s AND generation = %s AND persona_id = ANY(%s)

-- name: members
-- All personas of some customers of several.
SELECT customer_id, persona_id, namespace FROM view.membership
WHERE log_id = %s AND generation = %s AND customer_id = ANY(%s)
ORDER BY customer_id, persona_id

-- name: memberships_of_range
-- Memberships with either end in a range.
SELECT persona_id, customer_id FROM view.membership
WHERE log_id = %(log_id)s AND generation = %(generation)s
  AND (persona_id BETWEEN %(low)s AND %(high)s OR customer_id BETWEEN %(low)s AND %(high)s)

-- name: all_memberships
-- Every membership, sorted.
SELECT persona_id, customer_id FROM view.membership
WHERE log_id = %s AND generation = %s ORDER BY persona_id

-- name: keep_memberships
-- Write to whom personas belong.
INSERT INTO view.membership (log_id, generation, persona_id, customer_id, namespace)
SELECT %s, %s, * FROM unnest(%s::uuid[], %s::uuid[], %s::text[])
ON CONFLICT ON CONSTRAINT membership_pkey DO UPDATE SET customer_id = excluded.customer_id

-- name: drop_memberships
-- Personas that are their own customer again.
DELETE FROM view.membership WHERE log_id = %s AND generation = %s AND persona_id = ANY(%s)

-- name: all_links
-- Every pair of which anything is known, from one side, sorted.
SELECT persona_id, other_id, implied, explicit, linked FROM view.link
WHERE log_id = %s AND generation = %s AND persona_id < other_id AND (implied OR explicit <> '')
ORDER BY persona_id, other_id
