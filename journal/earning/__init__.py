"""Earning on PostgreSQL: a batch of facts is read with what it needs at once, and written so."""
