"""Logging: events with fields, as JSON in production and readable on a terminal.

What libraries write with the standard library's ``logging`` goes the same way. Logs go to the
standard error, results of commands to the standard output.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

_NOISY = ("kafka", "httpx", "httpcore", "uvicorn.access", "asyncio")
"""Libraries whose everyday messages say nothing to an operator: from warnings on."""
_REPEATED_AFTER_SECONDS = 60.0
_REMEMBERED_MAX = 1_000
_SAID_BY_OURSELVES = (
    "Topic %s is not available during auto-create",
    "Topic %s not found in cluster metadata",  # consumers: intake_topics_missing
)
_REFRESH, _CANCELLED = "Metadata refresh", "Cancelled"
"""What the Kafka client calls an error when it was told to stop."""
_NO_LEADER = "NotLeaderForPartitionError"


class QuietKafka(logging.Filter):
    """Let the Kafka client say a thing once a minute, and what we say better ourselves never.

    It looks at topics many times a second and writes an error a look.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is written."""
        if record.name.partition(".")[0] != "kafka":
            return True
        message = record.getMessage()
        stopped = message.startswith(_REFRESH) and _CANCELLED in message
        # A partition that was made a moment ago elects its leader; the client asks again by itself.
        electing = _NO_LEADER in message and "retrying" in message
        if stopped or electing or str(record.msg).startswith(_SAID_BY_OURSELVES):
            return False
        return self._is_news((record.name, message), time.monotonic())

    def _is_news(self, said: tuple[str, str], now: float) -> bool:
        if now < self._said_at.get(said, float("-inf")) + _REPEATED_AFTER_SECONDS:
            return False
        if len(self._said_at) >= _REMEMBERED_MAX:
            self._said_at.clear()
        self._said_at[said] = now
        return True


def configure_logging(
    style: Literal["auto", "json", "console"] = "auto",
    level: str = "info",
    stream: TextIO | None = None,
) -> None:
    """Configure structlog and the standard library's logging, once at the start of a process.

    Args:
        style: how events are written; ``auto`` is readable on a terminal and JSON elsewhere.
        level: the least that is written: debug, info, warning or error.
        stream: where to; the standard error if not given.

    """
    stream = stream or sys.stderr
    least = logging.getLevelNamesMapping()[level.upper()]
    shared = _shared_processors()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # a logger made at import obeys what is configured later
    )
    _route_standard_library(stream, least, shared, _renderers(style, stream))


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _drop_repetitions,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _drop_repetitions(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Leave out what the HTTP server says a second time, in colours."""
    event.pop("color_message", None)
    return event


def _renderers(style: str, stream: TextIO) -> list[Processor]:
    if style == "json" or (style == "auto" and not stream.isatty()):
        return [
            # Local variables may be anybody's data: they never stand in a log.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    return [
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]


def _route_standard_library(
    stream: TextIO, least: int, shared: list[Processor], renderers: list[Processor]
) -> None:
    handler = logging.StreamHandler(stream)
    handler.addFilter(QuietKafka())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(least)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(least, logging.WARNING))
    logging.captureWarnings(capture=True)
