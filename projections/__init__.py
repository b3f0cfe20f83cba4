"""Views folded from the journal: the customer 360 and what is told from it."""
