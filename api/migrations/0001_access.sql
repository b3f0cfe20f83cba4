-- Who may do what: API keys, kept as hashes.

CREATE SCHEMA access;

-- One key. The token itself stands nowhere: only its SHA-256. Every key names the person or system
-- that holds it.
CREATE TABLE access.api_key (
    tenant      text        NOT NULL,
    digest      bytea       NOT NULL,
    key_id      text        NOT NULL,
    holder      text        NOT NULL CONSTRAINT api_key_holder_named CHECK (holder <> ''),
    scopes      text[]      NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at  timestamptz,
    CONSTRAINT api_key_pkey PRIMARY KEY (tenant, digest),
    CONSTRAINT api_key_id_key UNIQUE (tenant, key_id),
    CONSTRAINT api_key_digest_length CHECK (octet_length(digest) = 32)
);

GRANT USAGE ON SCHEMA access TO vinculo_application;
GRANT SELECT ON access.api_key TO vinculo_application;

-- Readiness compares what was applied with what this version brings.
GRANT SELECT ON public.vinculo_migration TO vinculo_application;
