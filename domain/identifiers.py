"""Identifiers (namespace and value) and the personas they name (rulings 14, 16, 19)."""

from __future__ import annotations

import re
import unicodedata

import msgspec

from domain.errors import Refused

IDENTIFIER_LENGTH_MAX = 200
_NAMESPACE = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
_BLOCKED = frozenset({"", "-1", "null", "none", "unknown", "anonymous", "test"})
_PHONE_NOISE = str.maketrans("", "", " ()-./")

# The least rank names the party (ruling 14): what a company assigns outranks what a person
# brings, and both outrank what a device or a till makes up.
NAMESPACE_RANKS: dict[str, int] = {
    "crm": 0, "customer": 0, "household": 0, "organisation": 0, "account": 1, "card": 2,
    "email": 3, "phone": 4, "social": 5, "app": 6, "device": 7, "cookie": 8, "receipt": 9,
}  # fmt: skip
NAMESPACE_RANK_OTHER = 5
ANONYMOUS_NAMESPACES = frozenset({"receipt", "cookie", "device"})


class Identifier(msgspec.Struct, frozen=True, gc=False):
    """A namespace and a normalised value, such as ``card`` and ``6001``. The value is personal."""

    namespace: str
    value: str


class Persona(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """The history under one identifier, named without telling who it is.

    Args:
        namespace: the identifier's namespace; not personal.
        persona_id: the 16 bytes of a UUIDv8 out of a keyed hash of (namespace, value). Bytes, for
            they hash and compare ten times faster than ``UUID`` where every fact needs it.

    """

    namespace: str
    persona_id: bytes


def parse_identifier(text: str) -> Identifier:
    """Return the identifier that ``namespace:value`` names, its value normalised.

    Raises:
        Refused: ``bad_identifier``, if the text has no namespace or no value, or is too long.

    """
    namespace, colon, value = text.partition(":")
    usual = namespace in NAMESPACE_RANKS  # spares the expression nearly always
    if not (
        colon and (usual or _NAMESPACE.match(namespace)) and len(text) <= IDENTIFIER_LENGTH_MAX
    ):
        message = (
            "expected an identifier 'namespace:value' (namespace of a-z, 0-9 and _, at most "
            f"{IDENTIFIER_LENGTH_MAX} characters in all), found one of {len(text)} characters "
            f"{'of another form' if colon else 'without a colon'}; send for example 'crm:4711'"
        )
        raise Refused("bad_identifier", message)
    return Identifier(namespace, _normalise(namespace, value))


def is_blocked(identifier: Identifier) -> bool:
    """Say whether a value names nobody (ruling 16): empty, zeros, ``unknown``, with any domain."""
    value = identifier.value.casefold()
    local = value.partition("@")[0] if identifier.namespace == "email" else value
    return local in _BLOCKED or not local.strip("0")


def namespace_rank(namespace: str) -> int:
    """Return the rank by which the personas of a party compete for its customer_id."""
    return NAMESPACE_RANKS.get(namespace, NAMESPACE_RANK_OTHER)


def persona_key(persona: Persona) -> tuple[int, bytes]:
    """Return the sort key of ruling 14: the least one names the party."""
    return namespace_rank(persona.namespace), persona.persona_id


def _normalise(namespace: str, value: str) -> str:
    plain = value if value.isascii() else unicodedata.normalize("NFC", value)
    plain = plain.strip()
    if namespace == "email":
        return plain.casefold()
    if namespace == "phone" and plain.casefold() not in _BLOCKED:
        return plain.translate(_PHONE_NOISE)
    return plain
