-- name: begin
-- Make sure that rewards have a row, in the order in which they are locked.
INSERT INTO ledger.reward (log_id, taken, programme, reward)
SELECT %(log_id)s, 0, programme, reward
FROM unnest(%(programmes)s::text[], %(rewards)s::text[]) AS wanted (programme, reward)
ORDER BY programme, reward
ON CONFLICT DO NOTHING

-- name: lock
-- Take the rows of rewards, in order: nobody can wait for us in a circle.
SELECT programme, reward, taken FROM ledger.reward
WHERE log_id = %(log_id)s AND (programme, reward) IN (
    SELECT * FROM unnest(%(programmes)s::text[], %(rewards)s::text[]))
ORDER BY programme, reward FOR UPDATE

-- name: count_back
-- Take note of what came back, once; a statement of its own, to see what was committed before the
-- lock was ours.
UPDATE ledger.reward_taken SET state = 'counted'
WHERE log_id = %(log_id)s AND state = 'back' AND (programme, reward) IN (
    SELECT * FROM unnest(%(programmes)s::text[], %(rewards)s::text[]))
RETURNING programme, reward

-- name: write
-- Write how many of locked rewards are taken now.
UPDATE ledger.reward SET taken = fresh.taken
FROM unnest(%(programmes)s::text[], %(rewards)s::text[], %(taken)s::bigint[])
    AS fresh (programme, reward, taken)
WHERE reward.log_id = %(log_id)s AND reward.programme = fresh.programme
  AND reward.reward = fresh.reward

-- name: take
-- Note which redemptions took one.
INSERT INTO ledger.reward_taken (log_id, points, redemption_id, programme, reward, state)
SELECT %(log_id)s, points, redemption_id, programme, reward, 'taken'
FROM unnest(%(points)s::bigint[], %(ids)s::uuid[], %(programmes)s::text[], %(rewards)s::text[])
    AS fresh (points, redemption_id, programme, reward)

-- name: give_back
-- Mark what redemptions took as come back; called under the locks of their accounts.
UPDATE ledger.reward_taken SET state = 'back'
WHERE log_id = %s AND redemption_id = ANY(%s) AND state = 'taken'

-- name: prices
-- The points for which redemptions took a reward of which there are only so many.
SELECT redemption_id, points FROM ledger.reward_taken
WHERE log_id = %s AND redemption_id = ANY(%s)

-- name: taken
-- How many of each reward of a programme are taken.
SELECT reward.reward, reward.taken - (
    SELECT count(*) FROM ledger.reward_taken AS one
    WHERE one.log_id = reward.log_id AND one.programme = reward.programme
      AND one.reward = reward.reward AND one.state = 'back')
FROM ledger.reward WHERE reward.log_id = %s AND reward.programme = %s

-- name: faults
-- Rewards whose count is not that of the redemptions that took them.
SELECT reward.programme, reward.reward, reward.taken, count(one.redemption_id)
FROM ledger.reward
LEFT JOIN ledger.reward_taken AS one ON one.log_id = reward.log_id
    AND one.programme = reward.programme AND one.reward = reward.reward AND one.state <> 'counted'
WHERE reward.log_id = %s
GROUP BY reward.programme, reward.reward, reward.taken
HAVING reward.taken <> count(one.redemption_id)
