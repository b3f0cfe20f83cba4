-- name: create
-- A new key.
INSERT INTO access.api_key (tenant, digest, key_id, holder, scopes)
VALUES (%(tenant)s, %(digest)s, %(key_id)s, %(holder)s, %(scopes)s)

-- name: list
-- All keys of a tenant, the newest first.
SELECT key_id, holder, scopes, created_at, revoked_at FROM access.api_key
WHERE tenant = %s ORDER BY created_at DESC, key_id

-- name: revoke
-- Take a key's rights away.
UPDATE access.api_key SET revoked_at = clock_timestamp()
WHERE tenant = %s AND key_id = %s AND revoked_at IS NULL

-- name: find
-- Who holds a key that is not revoked.
SELECT key_id, holder, scopes FROM access.api_key
WHERE tenant = %s AND digest = %s AND revoked_at IS NULL

-- name: any
-- Whether anybody holds a key.
SELECT EXISTS (SELECT FROM access.api_key WHERE tenant = %s AND revoked_at IS NULL)
