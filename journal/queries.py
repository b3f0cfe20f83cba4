"""Read named queries from the ``.sql`` file that stands beside the module they serve.

A file holds queries, each under a line ``-- name: what_it_is`` and a sentence about it.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

from domain.errors import VinculoError

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def queries(package: str, file_name: str) -> dict[str, LiteralString]:
    """Return the queries of a file by name.

    Args:
        package: the importable folder, such as ``journal``.
        file_name: such as ``append.sql``.

    Raises:
        VinculoError: if two queries of the file bear one name.

    """
    text = files(package).joinpath(file_name).read_text(encoding="utf-8")
    pieces = _NAME.split(text)[1:]
    names, bodies = pieces[::2], pieces[1::2]
    if len(set(names)) != len(names):
        message = f"{package}/{file_name}: expected every query name once, found {names}"
        raise VinculoError(message)
    # The text comes from our own files, never from a request.
    return {
        name: cast("LiteralString", body.strip()) for name, body in zip(names, bodies, strict=True)
    }
