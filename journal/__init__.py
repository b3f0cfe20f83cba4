"""The append-only logs on PostgreSQL: intake, append, read, subjects' keys, decisions."""
