"""Makes the topics that simulator and importers publish to, where they are missing."""

from __future__ import annotations

from collections.abc import Iterable

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from consumers.kafka.settings import KafkaSecurity
from domain.errors import VinculoError

PARTITIONS = 4
_BROKERS_DEFAULT = -1


def make_topics(
    names: Iterable[str],
    bootstrap_servers: str,
    *,
    partitions: int = PARTITIONS,
    security: KafkaSecurity = KafkaSecurity(),  # noqa: B008 - frozen
) -> list[str]:
    """Make those of some topics that do not exist, and return their names.

    Args:
        names: of the topics.
        bootstrap_servers: ``host:port`` of some brokers, separated by commas.
        partitions: of each topic that is made; its replication is the broker's default.
        security: how to reach the brokers.

    Raises:
        VinculoError: the broker does not answer, or does not let us make topics.

    """
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap_servers.split(","), **security.options()
        )
        try:
            missing = sorted(set(names) - set(admin.list_topics()))
            if missing:
                options = {"num_partitions": partitions, "replication_factor": _BROKERS_DEFAULT}
                admin.create_topics(dict.fromkeys(missing, options), wait_for_metadata=True)
        finally:
            admin.close()
    except KafkaError as error:
        message = f"expected a broker at {bootstrap_servers} that makes topics, found: {error!r}"
        raise VinculoError(message) from error
    return missing
