"""Numbered migrations of what the API keeps: keys."""
