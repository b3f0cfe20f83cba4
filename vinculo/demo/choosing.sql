-- name: by_stage
-- Customers of a stage in the live view, those with the latest purchase first.
SELECT customer.customer_id, customer.state
FROM view.customer
JOIN view.view_generation AS live
    ON live.log_id = customer.log_id AND live.generation = customer.generation
    AND live.view = 'customer' AND live.state = 'live'
WHERE customer.log_id = %s AND customer.stage = %s
ORDER BY customer.last_purchase_at DESC NULLS LAST, customer.customer_id LIMIT %s

-- name: most_joined
-- Customers under whose id the most personas were joined.
SELECT customer.customer_id, customer.state
FROM view.customer
JOIN view.view_generation AS live
    ON live.log_id = customer.log_id AND live.generation = customer.generation
    AND live.view = 'customer' AND live.state = 'live'
JOIN (SELECT log_id, generation, customer_id, count(*) AS personas FROM view.membership
      GROUP BY log_id, generation, customer_id) AS joined
    ON joined.log_id = customer.log_id AND joined.generation = customer.generation
    AND joined.customer_id = customer.customer_id
WHERE customer.log_id = %s AND customer.last_purchase_at IS NOT NULL
ORDER BY joined.personas DESC, customer.last_purchase_at DESC, customer.customer_id LIMIT 1

-- name: stages
-- How many customers stand where; those of whom only receipts and devices are known apart.
SELECT customer.stage, customer.anonymous, count(*)::int8
FROM view.customer
JOIN view.view_generation AS live
    ON live.log_id = customer.log_id AND live.generation = customer.generation
    AND live.view = 'customer' AND live.state = 'live'
WHERE customer.log_id = %s GROUP BY 1, 2
