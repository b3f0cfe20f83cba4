"""The server's settings: some are part of the product's promises, some of its speed.

A server that may lose acknowledged commits is refused. One with stock settings is used and told
of: a random index on stock settings took append to 0.38 of its speed, tuned to 0.60.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import psycopg

from domain.errors import VinculoError

VERSION_MIN = 150_000
_MIB = 2**20
_GIB = 2**30
_MUST_BE_ON = ("fsync", "full_page_writes")
_AT_LEAST = {"max_wal_size": 4 * _GIB, "shared_buffers": 256 * _MIB}
_QUERY = """
SELECT name, setting, coalesce(unit, '') FROM pg_catalog.pg_settings WHERE name = ANY(%s)
"""
_UNITS = {"": 1, "B": 1, "kB": 2**10, "8kB": 2**13, "MB": _MIB, "GB": _GIB, "16MB": 16 * _MIB}


class Finding(msgspec.Struct, frozen=True):
    """A setting that is not as it should be.

    Args:
        name: of the setting.
        expected: what it should be.
        found: what it is.
        weight: ``refuse`` if promises would break, ``advise`` if it only costs speed.

    """

    name: str
    expected: str
    found: str
    weight: Literal["refuse", "advise"]

    def __str__(self) -> str:
        """Return one sentence: expected, found, what to do."""
        return f"{self.name}: expected {self.expected}, found {self.found}; ALTER SYSTEM SET it"


class UnsafeServerError(VinculoError):
    """The server may lose what it acknowledged."""


def check_server(connection: psycopg.Connection) -> list[Finding]:
    """Return what should be set otherwise on the server.

    Raises:
        UnsafeServerError: if the server may lose acknowledged commits, or is too old.

    """
    names = [
        *_MUST_BE_ON,
        *_AT_LEAST,
        "synchronous_commit",
        "wal_compression",
        "server_version_num",
    ]
    rows = connection.execute(_QUERY, (names,)).fetchall()
    settings: dict[str, tuple[str, str]] = {name: (value, unit) for name, value, unit in rows}
    findings = [*_unsafe(settings), *_slow(settings)]
    refused = [str(one) for one in findings if one.weight == "refuse"]
    if refused:
        raise UnsafeServerError("; ".join(refused))
    return findings


def _unsafe(settings: dict[str, tuple[str, str]]) -> list[Finding]:
    findings = [
        Finding(name, "on", settings[name][0], "refuse")
        for name in _MUST_BE_ON
        if settings[name][0] != "on"
    ]
    commit = settings["synchronous_commit"][0]
    if commit == "off":
        findings.append(Finding("synchronous_commit", "on", commit, "refuse"))
    version = settings["server_version_num"][0]
    if int(version) < VERSION_MIN:
        findings.append(Finding("server_version_num", f"{VERSION_MIN} or later", version, "refuse"))
    return findings


def _slow(settings: dict[str, tuple[str, str]]) -> list[Finding]:
    findings = []
    for name, least in _AT_LEAST.items():
        value, unit = settings[name]
        if int(value) * _UNITS[unit] < least:
            expected = f"at least {least // _MIB} MB"
            findings.append(Finding(name, expected, f"{value} × {unit or 1}", "advise"))
    if settings["wal_compression"][0] == "off":
        findings.append(Finding("wal_compression", "on", "off", "advise"))
    return findings
