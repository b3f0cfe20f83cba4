"""Profiles of simulated and imported sources as entries of the register of sources."""

from __future__ import annotations

from collections.abc import Iterable

from journal.sources import Source, SourceRegister
from vinculo.importers import DATA_SETS, SourceProfile
from vinculo.simulator import PROFILES

_TITLES = "# Sources: who may publish what. Read by VINCULO_SOURCES; see docs/settings.md."


def register_with(register: SourceRegister, profiles: Iterable[SourceProfile]) -> SourceRegister:
    """Return a register that knows these profiles too; what it knows already stays as it is."""
    added = [source_of(one) for one in profiles if one.source not in register.by_name]
    return SourceRegister((*register.by_name.values(), *added))


def source_of(profile: SourceProfile) -> Source:
    """Return a profile as a registered source."""
    return Source(
        name=profile.source,
        topics=(profile.topic,),
        namespaces=profile.namespaces,
        zone=profile.zone,
        stable_time=profile.stable_time,
    )


def example_sources() -> str:
    """Return ``vinculo/examples/sources.toml``: the simulated business and the public data."""
    profiles = (*PROFILES, *(data_set.profile for data_set in DATA_SETS.values()))
    return "\n".join([_TITLES, *map(_table, map(source_of, profiles))])


def _table(source: Source) -> str:
    return (
        f"\n[[source]]\nname = {_text(source.name)}\n"
        f"topics = [{', '.join(map(_text, source.topics))}]\n"
        f"namespaces = [{', '.join(map(_text, source.namespaces))}]\n"
        f"zone = {_text(source.zone)}\nstable_time = {str(source.stable_time).lower()}\n"
    )


def _text(value: str) -> str:
    return f'"{value}"'
