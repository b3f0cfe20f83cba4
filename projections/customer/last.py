"""What parts keep of *the last statement*, and of how often and when something happened.

*Last* means by ruling 5: (occurred_at, source, sequence, entry_id). A register therefore keeps
the whole key of the statement that it shows, about 40 bytes; where instants alone are shown (the
first, the last), no key is needed, for equal instants read the same.
"""

from __future__ import annotations

from bisect import bisect
from operator import attrgetter

import msgspec

from domain.fact import Fact

order_of = attrgetter("at", "source", "sequence", "entry_id")
"""The order key of a mark, as a tuple that sorts by ruling 5."""


class Mark(msgspec.Struct, array_like=True, gc=False):
    """The order key of a statement. Registers inherit it and add what was stated.

    Args:
        at: when it happened, microseconds since 1970-01-01T00:00Z.
        source: who stated it.
        sequence: the source's own, -1 if it has none.
        entry_id: 16 bytes, unique in its log.

    """

    at: int
    source: str
    sequence: int
    entry_id: bytes


class Statement(Mark):
    """What one fact stated of several fields, each of them None where a later fact restated it."""

    values: tuple[str | None, ...]


class Tally(msgspec.Struct, array_like=True, gc=False):
    """How often something happened, and the instant of the last time."""

    count: int
    last: int


def is_later(fact: Fact, mark: Mark | None) -> bool:
    """Say whether a fact comes after what is kept so far; every fact comes after nothing."""
    if mark is None or fact.occurred_at > mark.at:
        return True
    if fact.occurred_at < mark.at:
        return False
    return (fact.source, fact.sequence, fact.entry_id) > (
        mark.source,
        mark.sequence,
        mark.entry_id,
    )


def counted(tally: Tally | None, fact: Fact) -> Tally:
    """Return the tally with one more happening: the same object, or a new one for the first."""
    at = fact.occurred_at
    if tally is None:
        return Tally(1, at)
    tally.count += 1
    if at > tally.last:  # noqa: PLR1730 - max() takes four times as long
        tally.last = at
    return tally


def restate(
    statements: list[Statement],
    fact: Fact,
    values: tuple[str | None, ...],
    first: int = 0,
    newest: int = 0,
) -> None:
    """Take up what a fact states of several fields, the last statement of each field counting.

    Fields that are stated together share one order key. A statement is kept while it is the last
    for one of its fields, or one of the ``first`` or ``newest`` of all: a set that depends on the
    facts alone, whatever their order, and that has at most first + newest + fields members.

    Args:
        statements: sorted by order key; changed in place.
        fact: whose key the statement gets.
        values: of the fields, in a fixed order; None where the fact says nothing.
        first: how many of the earliest statements are kept in any case.
        newest: how many of the latest statements are kept in any case.

    """
    new = Statement(fact.occurred_at, fact.source, fact.sequence, fact.entry_id, values)
    position = bisect(statements, order_of(new), key=order_of) if statements else 0
    for later in statements[position:]:
        new.values = _unless_stated(new.values, later.values)
    for earlier in statements[:position]:
        earlier.values = _unless_stated(earlier.values, values)
    statements.insert(position, new)
    _prune(statements, first, len(statements) - newest)


def current(statements: list[Statement], field: int) -> tuple[str, Statement] | None:
    """Return the last value of a field, by its place in ``values``, and the statement of it."""
    for statement in statements:
        value = statement.values[field]
        if value is not None:
            return value, statement
    return None


def _unless_stated(
    values: tuple[str | None, ...], later: tuple[str | None, ...]
) -> tuple[str | None, ...]:
    return tuple(
        value if restated is None else None for value, restated in zip(values, later, strict=True)
    )


def _prune(statements: list[Statement], first: int, end: int) -> None:
    """Drop what restates nothing, but for the statements before ``first`` and from ``end`` on."""
    if first < end:
        statements[first:end] = [
            one for one in statements[first:end] if one.values.count(None) < len(one.values)
        ]
