"""The public data on disk: found at run time, read as rows of text, money made whole numbers.

The files are no part of the repository. They are looked for in the folder that the environment
variable VINCULO_DATA names, else in `../shared/data` beside the repository.
"""

import csv
import gzip
import os
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]


def data_folder() -> Path:
    """The folder in which the data are looked for, present or not."""
    named = os.environ.get("VINCULO_DATA")
    return Path(named) if named else _REPOSITORY.parent / "shared" / "data"


def missing(files: Sequence[str]) -> str | None:
    """Why a test over `files` cannot run here, or None if all of them are present."""
    folder = data_folder()
    absent = [name for name in files if not (folder / name).is_file()]
    if not absent:
        return None
    return f"public data absent: {', '.join(absent)} not in {folder} (set VINCULO_DATA)"


def rows(name: str, header: str) -> Iterator[list[str]]:
    """The rows of one gzipped CSV file below its header line, as text.

    Raises:
        ValueError: the file's header line is not `header`.
    """
    with gzip.open(data_folder() / name, "rt", encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        found = ",".join(next(reader, []))
        if found != header:
            raise ValueError(f"{name}: expected the header {header!r}, found {found!r}")
        yield from reader


def minor_units(amount: Decimal) -> int:
    """An amount of a currency with cents in cents, rounded half away from zero."""
    return int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
