"""Numbered migrations of the journal's schemas; the mechanism is ``journal.migrating``."""
