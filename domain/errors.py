"""The one root of every error this product raises on purpose."""

from __future__ import annotations


class VinculoError(Exception):
    """Something was expected, something else was found.

    The message says both, with the numbers, and what to do about it.
    """


class Refused(VinculoError):  # noqa: N818 - a refusal is a business outcome that a publisher reads
    """A message that cannot become a fact.

    Args:
        code: a stable word for machines, such as ``unknown_type``.
        detail: one sentence for the publisher: expected, found, what to do. Holds no personal data.

    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
