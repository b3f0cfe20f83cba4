"""Gzipped CSV files read as rows of text, and rows gathered into invoices or baskets."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vinculo.importers.errors import UnreadableDataError
from vinculo.importers.report import ImportReport, LeftOut


class Row(NamedTuple):
    """A row of a file: the line in which it ends, and its cells in the header's order."""

    line: int
    cells: list[str]


def read_rows(path: Path, header: tuple[str, ...], report: ImportReport) -> Iterator[Row]:
    """Yield the rows below the header; one with too few or too many cells is left out.

    Raises:
        UnreadableDataError: the file is missing, is no gzipped UTF-8 CSV, or has another header.

    """
    for row in _raw_rows(path, header):
        report.rows_read[path.name] += 1
        if len(row.cells) == len(header):
            yield row
        else:
            detail = f"expected {len(header)} cells, found {len(row.cells)}"
            report.leave_out(
                LeftOut(file=path.name, row=row.line, reason="unreadable", detail=detail)
            )


def read_groups(
    path: Path, header: tuple[str, ...], column: int, report: ImportReport
) -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows that share a value of one column, as soon as the last of them was read.

    The file is read twice, so that only groups that are still open are held in memory, wherever
    in the file their rows stand.

    Raises:
        UnreadableDataError: as :func:`read_rows`.

    """
    last = {row.cells[column]: row.line for row in read_rows(path, header, ImportReport())}
    waiting: dict[str, list[Row]] = {}
    for row in read_rows(path, header, report):
        name = row.cells[column]
        waiting.setdefault(name, []).append(row)
        if row.line == last[name]:
            yield name, waiting.pop(name)


def _raw_rows(path: Path, header: tuple[str, ...]) -> Iterator[Row]:
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines)
            found = tuple(next(reader, ()))
            if found != header:
                message = f"{path.name}: expected the header {','.join(header)}, "
                raise UnreadableDataError(message + f"found {','.join(found)[:200]!r}")
            for cells in reader:
                yield Row(reader.line_num, cells)
    except FileNotFoundError as error:
        message = f"expected the file {path.name} in {path.parent}: none is there; name the folder"
        raise UnreadableDataError(f"{message} that holds the data set") from error
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        message = f"{path.name}: expected a gzipped CSV file in UTF-8, found: {error}"
        raise UnreadableDataError(message) from error
