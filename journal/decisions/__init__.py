"""The decisions log as the ``eventsourcing`` library sees it: recorder, mapper, application.

Decisions stand in the table of the facts, under the log's own ``log_id``: stream_id and
stream_version are the library's originator, type its topic, body its state, position its
notification id. Appending takes the head row of the log and nothing else, so positions have no
holes, and no reader can pass over a decision that is committed late.
"""

from __future__ import annotations

from journal.decisions.application import Decisions, open_decisions
from journal.decisions.connections import UNREACHABLE
from journal.decisions.mapper import DecisionMapper, UnreadableDecisionError
from journal.decisions.recorder import ConflictError, DecisionRecorder, DecisionStreams
from journal.decisions.times import latest_time, time_advances

__all__ = [
    "UNREACHABLE",
    "ConflictError",
    "DecisionMapper",
    "DecisionRecorder",
    "DecisionStreams",
    "Decisions",
    "UnreadableDecisionError",
    "latest_time",
    "open_decisions",
    "time_advances",
]
