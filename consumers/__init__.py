"""The long-running workers: Kafka in (`consumers.kafka`), and what follows the journal's logs."""
