-- Which secret a tenant's log was begun with: under another one every customer would be a new one.
-- The fingerprint is keyed with the secret itself and tells nothing of it.
CREATE TABLE subject.secret_fingerprint (
    log_id      integer NOT NULL CONSTRAINT secret_fingerprint_pkey PRIMARY KEY,
    fingerprint bytea   NOT NULL
);
GRANT SELECT, INSERT ON subject.secret_fingerprint TO vinculo_application;
