"""The real servers of the tests and benchmarks: PostgreSQL and Apache Kafka."""

from tests.servers.databases import Databases, distribution_binaries, with_database
from tests.servers.kafka import BROKER_LIBS, KafkaBroker, Topics, why_no_broker

__all__ = [
    "BROKER_LIBS",
    "Databases",
    "KafkaBroker",
    "Topics",
    "distribution_binaries",
    "why_no_broker",
    "with_database",
]
