"""The tests: one folder for each room, and the real servers that they use."""
