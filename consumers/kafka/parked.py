"""A repair of the client: a partition that is resumed is really read again.

kafka-python 3.0.12 parks what it had parsed of a partition that is paused, and asks the broker for
no more of it. It takes parked records up again only while its slot for records in work is ``None``,
which after the first fetch it hardly ever is: a drained one stays there. So a partition paused
amidst a fetch stays silent for ever after ``resume``, even after ``seek``. We throw the parked
records away; the partition's position has not moved past them, so they are fetched again. A test
shows the stall without this.
"""

from __future__ import annotations

from kafka import KafkaConsumer, TopicPartition


def drop_parked(consumer: KafkaConsumer, partition: TopicPartition) -> None:
    """Throw away what the client holds back of a partition; only in the thread that polls."""
    parked = getattr(consumer._fetcher, "_paused_partition_records", {})  # noqa: SLF001 - see above
    records = parked.pop(partition, None)
    if records is not None:
        records.drain()
