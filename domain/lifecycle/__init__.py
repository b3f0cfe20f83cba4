"""The lifecycle: the integer state machine that gives every customer a stage (DOMAIN, part 4)."""
