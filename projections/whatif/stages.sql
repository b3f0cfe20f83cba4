-- name: of_accounts
-- The lifecycle stage of the customer of every account of a programme, as the live view has it.
SELECT account.account_id, coalesce(customer.stage, '')
FROM ledger.account
LEFT JOIN view.membership ON membership.log_id = %(facts)s
    AND membership.generation = %(generation)s AND membership.persona_id = account.persona_id
LEFT JOIN view.customer ON customer.log_id = %(facts)s AND customer.generation = %(generation)s
    AND customer.customer_id = coalesce(membership.customer_id, account.persona_id)
WHERE account.log_id = %(decisions)s AND account.programme = %(programme)s

-- name: of_personas
-- The same for some personas.
SELECT asked.persona_id, coalesce(customer.stage, '')
FROM unnest(%(personas)s::uuid[]) AS asked (persona_id)
LEFT JOIN view.membership ON membership.log_id = %(facts)s
    AND membership.generation = %(generation)s AND membership.persona_id = asked.persona_id
LEFT JOIN view.customer ON customer.log_id = %(facts)s AND customer.generation = %(generation)s
    AND customer.customer_id = coalesce(membership.customer_id, asked.persona_id)
