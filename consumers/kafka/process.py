"""A process whose only work is one intake worker: signals, memory, watchdog."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable
from types import FrameType

from consumers.kafka.settings import KafkaIntakeSettings
from consumers.kafka.watchdog import Watchdog
from consumers.kafka.worker import IntakeWorker
from journal.intake.pipeline import Intake

_GC_THRESHOLDS = (200_000, 50, 50)
_SWITCH_SECONDS = 0.0005


def tune_interpreter() -> None:
    """Set the interpreter up for a process that prepares in one thread and writes in another."""
    # Everything there is now stays until the end, and batches hold many objects at a time: the
    # collector would look through all of them again and again for nothing.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    # The writer sends a batch of megabytes through a socket of some 200 KB and has to get hold of
    # the interpreter after each of its waits. At Python's 5 ms the thread that prepares makes it
    # wait so long, time after time, that PostgreSQL idles for longer than it works.
    sys.setswitchinterval(_SWITCH_SECONDS)


def run_intake_process(
    settings: KafkaIntakeSettings, conninfo: str, intake_factory: Callable[[], Intake]
) -> None:
    """Run a worker in this process until SIGTERM or SIGINT, which finish the batch in flight.

    Args:
        settings: broker, topics and limits.
        conninfo: of the journal.
        intake_factory: makes the pipeline of the tenant's facts log.

    """
    watchdog = Watchdog()

    def make() -> Intake:
        intake = intake_factory()
        tune_interpreter()
        return intake

    worker = IntakeWorker(settings, conninfo, make, watchdog=watchdog)

    def stop(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    watchdog.start()
    try:
        worker.run()
    finally:
        watchdog.stop()
