"""HTTP: what other programs read, send and ask, and who may do what."""
