"""Subjects: whose touchpoint a message is, remembered from one message to the next."""

from __future__ import annotations

import msgspec

from domain.errors import Refused
from domain.identifiers import Identifier, Persona, is_blocked, parse_identifier
from journal.personas import PersonaNames

_SUBJECTS_MAX = 1_000_000


class Subject(msgspec.Struct, frozen=True, gc=False):
    """Somebody who is named.

    Args:
        identifier: by which they are named.
        persona_id: 16 bytes.

    """

    identifier: Identifier
    persona_id: bytes

    @property
    def persona(self) -> Persona:
        """Return the persona."""
        return Persona(self.identifier.namespace, self.persona_id)


class Subjects:
    """Names the subjects of messages.

    Args:
        personas: names personas under the tenant's secret.

    """

    def __init__(self, personas: PersonaNames) -> None:
        self._personas = personas
        self._known: dict[str, Subject] = {}

    def subject(self, text: str, namespaces: tuple[str, ...], source: str) -> Subject:
        """Return whom a text names.

        Args:
            text: ``namespace:value``.
            namespaces: of which the source may speak; empty means any.
            source: its name.

        Raises:
            Refused: ``bad_identifier``, ``blocked_subject`` or ``namespace_not_allowed``.

        """
        known = self._known.get(text)
        if known is None:
            known = self._meet(text)
        if namespaces and known.identifier.namespace not in namespaces:
            detail = (
                f"source {source} may speak of subjects {list(namespaces)}, "
                f"found namespace {known.identifier.namespace!r}"
            )
            raise Refused("namespace_not_allowed", detail)
        return known

    def _meet(self, text: str) -> Subject:
        """Name a subject that is not remembered here."""
        identifier = parse_identifier(text)
        if is_blocked(identifier):
            detail = (
                f"subject: expected somebody, found a value of {identifier.namespace!r} that names "
                "nobody; a sale without a known customer has the subject 'receipt:<ticket>'"
            )
            raise Refused("blocked_subject", detail)
        if len(self._known) >= _SUBJECTS_MAX:
            self._known.clear()
        known = Subject(identifier, self._personas.persona_id(identifier))
        self._known[text] = known
        return known
