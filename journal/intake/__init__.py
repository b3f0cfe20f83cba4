"""Intake: what Kafka, HTTP and files bring becomes facts, or is kept with the reason why not."""
