"""Numbered migrations of the views' schema; the mechanism is ``journal.migrating``."""
