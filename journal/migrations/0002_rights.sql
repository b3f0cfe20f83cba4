-- The application's own role: it may add and read entries, never change or remove one.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'vinculo_application') THEN
        CREATE ROLE vinculo_application NOLOGIN;
    END IF;
    IF NOT pg_catalog.pg_has_role(current_user, 'vinculo_application', 'MEMBER') THEN
        EXECUTE format('GRANT vinculo_application TO %I', current_user);
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of this server made it at the same moment
END
$$;

GRANT USAGE ON SCHEMA journal, subject TO vinculo_application;
GRANT SELECT, INSERT ON journal.entry, journal.entry_persona TO vinculo_application;
GRANT SELECT ON journal.log TO vinculo_application;
GRANT SELECT, UPDATE ON journal.log_head TO vinculo_application;
GRANT SELECT, INSERT, UPDATE ON journal.intake_partition TO vinculo_application;
GRANT SELECT, INSERT, UPDATE ON journal.intake_account TO vinculo_application;
GRANT SELECT, INSERT, UPDATE ON journal.rejected_message TO vinculo_application;
GRANT SELECT, INSERT ON journal.rejected_reading TO vinculo_application;
GRANT SELECT, INSERT, UPDATE ON subject.subject_key TO vinculo_application;
GRANT SELECT, INSERT, DELETE ON subject.rejected_key TO vinculo_application;
