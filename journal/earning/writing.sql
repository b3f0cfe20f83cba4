-- name: begin
-- Earning has not come anywhere yet.
INSERT INTO ledger.earning (log_id, version, judged, swept) VALUES (%s, 0, 0, 0)
ON CONFLICT DO NOTHING

-- name: come
-- How far earning has come.
SELECT version::int8, judged, swept FROM ledger.earning WHERE log_id = %s

-- name: lock
-- The same, locked: whoever holds it is the only worker to go on.
SELECT version::int8, judged, swept FROM ledger.earning WHERE log_id = %s FOR UPDATE

-- name: go_on
-- Earning has come further.
UPDATE ledger.earning SET version = %(version)s, judged = %(judged)s, swept = %(swept)s
WHERE log_id = %(log_id)s

-- name: due
-- Accounts whose timers are due.
SELECT account_id FROM ledger.account
WHERE log_id = %s AND next_timer <= %s ORDER BY next_timer, account_id LIMIT %s

-- name: records
-- Records of award of some touchpoints.
SELECT record FROM ledger.award WHERE log_id = %s AND touchpoint = ANY(%s)

-- name: keep_records
-- Records of award that are new or have changed.
INSERT INTO ledger.award (log_id, touchpoint, account_id, record)
SELECT %(log_id)s, * FROM unnest(%(touchpoints)s::uuid[], %(accounts)s::uuid[], %(records)s::bytea[])
ON CONFLICT (log_id, touchpoint, account_id) DO UPDATE SET record = excluded.record

-- name: keep_sales
-- Business numbers of purchases, and of the purchases that returns name.
INSERT INTO ledger.sale (log_id, source, number, entry_id)
SELECT %(log_id)s, * FROM unnest(%(sources)s::text[], %(numbers)s::text[], %(entry_ids)s::uuid[])
ON CONFLICT DO NOTHING

-- name: lost
-- What some accounts have let expire, and what was reinstated of it.
SELECT stream_id, type, body FROM journal.entry
WHERE log_id = %s AND stream_id = ANY(%s) AND type = ANY(%s::text[])
ORDER BY stream_id, stream_version
