"""Clusters: personas that links tie together into one party (rulings 14 and 16)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from domain.identifiers import Persona, persona_key
from domain.links import Pair


class Cluster(msgspec.Struct, frozen=True):
    """A party of several personas.

    Args:
        customer_id: the persona that names it, 16 bytes.
        personas: all of them, sorted by :func:`domain.identifiers.persona_key`.

    """

    customer_id: bytes
    personas: tuple[Persona, ...]


class Clustering(msgspec.Struct, frozen=True):
    """Parties of several personas, and the links that were not followed.

    Args:
        clusters: the parties.
        refused: links that would have made a party larger than the limit.

    """

    clusters: tuple[Cluster, ...]
    refused: tuple[Pair, ...]


def cluster(pairs: Iterable[Pair], personas_max: int) -> Clustering:
    """Tie personas together.

    Pairs are followed in the order of their names, so that where the limit bites, the result
    depends on which links there are and never on when they came.

    Args:
        pairs: joined pairs; whole components, or the result would depend on what is missing.
        personas_max: a link that would make a party larger is recorded and not followed.

    """
    party: dict[Persona, list[Persona]] = {}
    refused: list[Pair] = []
    for pair in sorted(set(pairs)):
        one = party.setdefault(pair.one, [pair.one])
        other = party.setdefault(pair.other, [pair.other])
        if one is other:
            continue
        if len(one) + len(other) > personas_max:
            refused.append(pair)
            continue
        large, small = (one, other) if len(one) >= len(other) else (other, one)
        large += small
        party.update(dict.fromkeys(small, large))
    distinct = {id(members): members for members in party.values() if len(members) > 1}
    clusters = tuple(_named(members) for members in distinct.values())
    return Clustering(clusters, tuple(refused))


def _named(members: list[Persona]) -> Cluster:
    ordered = tuple(sorted(members, key=persona_key))
    return Cluster(ordered[0].persona_id, ordered)
