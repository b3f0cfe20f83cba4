"""The accounting of points in the decisions log: estimates under four eyes, and closed months.

Reading is by a connection, as known at a position; deciding goes through the application of the
decisions, which decides anew if somebody was faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar, cast
from uuid import UUID

import psycopg
from eventsourcing.application import AggregateNotFoundError

from domain.accounting.books import BOOKS_ID, Books, MonthClosed, Preparation
from domain.accounting.closing import close, project_books
from domain.accounting.estimates import (
    ESTIMATES_ID,
    Estimate,
    EstimateDecision,
    EstimatePublished,
    Estimates,
    approve,
    project_estimates,
    publish,
)
from domain.decisions.base import Aggregate, Decision, Recorded
from journal.connecting import Uuid, binary_cursor
from journal.decisions.application import Decisions
from journal.decisions.mapper import DecisionMapper
from journal.queries import queries

_SQL = queries("journal", "accounting.sql")
_LAST = 2**63 - 1
_decision = DecisionMapper().decision

A = TypeVar("A", bound=Aggregate)


def read_estimates(
    connection: psycopg.Connection, log_id: int, known_at: int = _LAST
) -> Estimates:  # fmt: skip
    """Return the estimates as they were known at a position of the decisions log.

    Args:
        connection: to the journal.
        log_id: of the decisions log.
        known_at: position; by default all there are.

    """
    events = _stream(connection, log_id, ESTIMATES_ID, known_at)
    found = project_estimates(None, cast("Iterator[Recorded[EstimateDecision]]", events))
    return found or Estimates()


def read_books(connection: psycopg.Connection, log_id: int, known_at: int = _LAST) -> Books:
    """Return the books as they were known at a position of the decisions log.

    Raises:
        BooksDamagedError: if the log holds what could not have been decided.

    """
    events = _stream(connection, log_id, BOOKS_ID, known_at)
    return project_books(None, cast("Iterator[Recorded[MonthClosed]]", events)) or Books()


def read_closes(connection: psycopg.Connection, log_id: int) -> tuple[MonthClosed, ...]:
    """Return every close, that of the first month first."""
    return tuple(
        event.decision
        for event in _stream(connection, log_id, BOOKS_ID, _LAST)
        if isinstance(event.decision, MonthClosed)
    )


def publish_estimate(
    decisions: Decisions, estimate: Estimate, *, by: str, reason: str = ""
) -> EstimatePublished:
    """Propose an estimate; it holds once a second person has approved it.

    Args:
        decisions: of the tenant.
        estimate: what is proposed.
        by: the person.
        reason: in words, such as the reference of a study.

    Raises:
        EstimateError: if it cannot be published as it is.
        ConflictError: if others were faster ten times.

    """
    recordings = decisions.decide(
        lambda: _load(decisions, Estimates(), project_estimates),
        lambda estimates: publish(estimates, estimate, by=by, reason=reason),
    )
    event = cast("Recorded[EstimatePublished]", recordings[0].domain_event)
    return event.decision


def approve_estimate(decisions: Decisions, number: int, *, by: str) -> bool:
    """Approve an estimate; it holds from its day on.

    Args:
        decisions: of the tenant.
        number: of the estimate.
        by: the person, another one than who published it.

    Returns:
        Whether that was news; nothing is recorded of an estimate that was approved before.

    Raises:
        EstimateError: if there is no such estimate, or the same person published it.
        ConflictError: if others were faster ten times.

    """
    return bool(
        decisions.decide(
            lambda: _load(decisions, Estimates(), project_estimates),
            lambda estimates: approve(estimates, number, by=by),
        )
    )


def close_month(decisions: Decisions, prepared: Preparation, *, by: str, today: int) -> bool:
    """Close a month as it was prepared.

    Args:
        decisions: of the tenant.
        prepared: the month as it is to be closed.
        by: the person who closes it.
        today: the business day that time has come to, days since 1970-01-01.

    Returns:
        Whether that was news; nothing is recorded if exactly this was decided before.

    Raises:
        ClosingError: if the month is not over or not the next one, or the books have moved on since
            it was prepared.
        ReopeningRefusedError: if it was closed otherwise.
        ConflictError: if others were faster ten times.

    """
    return bool(
        decisions.decide(
            lambda: _load(decisions, Books(), project_books),
            lambda books: close(books, prepared, by=by, today=today),
        )
    )


def _load(decisions: Decisions, begun: A, project: Callable[..., A | None]) -> A:
    try:
        return cast("A", decisions.repository.get(begun.id, projector_func=project))
    except AggregateNotFoundError:
        return begun


def _stream(
    connection: psycopg.Connection, log_id: int, stream: UUID, known_at: int
) -> Iterator[Recorded[Decision]]:
    values = {"log_id": log_id, "stream_id": Uuid(stream.bytes), "known_at": known_at}
    for version, topic, body in binary_cursor(connection).execute(_SQL["stream"], values):
        yield Recorded(stream, version, _decision(topic, body))
