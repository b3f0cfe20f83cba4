-- name: known
-- The fingerprint of the secret that a log was begun with.
SELECT fingerprint FROM subject.secret_fingerprint WHERE log_id = %s

-- name: note
-- Note the fingerprint of the first secret; who comes second changes nothing.
INSERT INTO subject.secret_fingerprint (log_id, fingerprint) VALUES (%s, %s) ON CONFLICT DO NOTHING

-- name: a_key
-- Any key that was wrapped under the secret, of a log that is older than its fingerprint.
SELECT persona_id, wrapped FROM subject.subject_key
WHERE log_id = %s AND wrapped IS NOT NULL LIMIT 1
