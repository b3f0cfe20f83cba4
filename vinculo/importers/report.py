"""What an import read, what it made of it, and what it left out and why."""

from __future__ import annotations

from collections import Counter

import msgspec


class LeftOut(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row, or a group of rows, of which no touchpoint was made.

    Args:
        file: the file's name.
        row: the line in which the row ends; the header ends in line 1.
        rows: how many rows are meant, this one being the first.
        reason: a stable word, such as ``stock_movement``.
        detail: what was found, for a person to read.

    """

    file: str
    row: int
    rows: int = 1
    reason: str
    detail: str


class ImportReport:
    """Counts and lists while an import runs: rows read = rows used + rows left out.

    Attributes:
        rows_read: rows per file, the header apart.
        rows_used: rows per file that stand in some message.
        messages: messages per CloudEvents type.
        groups_empty: invoices or baskets of which no row was left.
        left_out: every row or group that was left out.

    """

    def __init__(self) -> None:
        self.rows_read: Counter[str] = Counter()
        self.rows_used: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()
        self.groups_empty = 0
        self.left_out: list[LeftOut] = []

    def leave_out(self, left_out: LeftOut) -> None:
        """Note what is left out."""
        self.left_out.append(left_out)

    def reasons(self) -> dict[str, int]:
        """Return how many rows were left out, by reason."""
        rows: Counter[str] = Counter()
        for one in self.left_out:
            rows[one.reason] += one.rows
        return dict(rows)

    def balances(self) -> bool:
        """Say whether every row read was either used or left out."""
        left: Counter[str] = Counter()
        for one in self.left_out:
            left[one.file] += one.rows
        return all(
            read == self.rows_used[file] + left[file] for file, read in self.rows_read.items()
        )
