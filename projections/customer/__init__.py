"""The customer 360: its parts, the fold over them, the rows they are kept in, the queries."""
