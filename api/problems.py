"""Problems (RFC 9457): why a request was not answered, and what to do about it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from api.answers import Answer
from domain.errors import VinculoError
from domain.programmes.faults import Fault

PROBLEM_TYPE = b"application/problem+json"


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem as it is sent.

    Args:
        type: ``urn:vinculo:problem:`` and the code.
        title: the same for all problems of this type.
        status: of the answer.
        detail: what was expected, what was found, and what to do.
        code: for machines.
        reached: of a wait for a position: the coordinate that was reached.
        receipt: of a rejected event: by which it is listed, read and sent again.
        faults: of rules that make no sense: each with its place.
        available: of points that are not there: how many are.

    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    reached: str | None = None
    receipt: str | None = None
    faults: tuple[Fault, ...] = ()
    available: int | None = None


class Problem(VinculoError):  # noqa: N818 - RFC 9457 calls it so
    """A request that is not answered as it was asked.

    Args:
        status: of the answer.
        code: a stable word for machines, such as ``unknown_parameter``.
        expected: what was expected.
        found: what was found; never a personal value.
        do: what to do about it.
        headers: further ones.
        **members: further members of the problem, see :class:`ProblemDocument`.

    """

    def __init__(
        self,
        status: int,
        code: str,
        *,
        expected: str,
        found: str,
        do: str,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        **members: str,
    ) -> None:
        self.status = status
        self.code = code
        self.detail = f"expected {expected}, found {found}; {do}"
        self.headers = headers
        self.members = members
        super().__init__(f"{code}: {self.detail}")

    def answer(self) -> Answer:
        """Return the answer that tells this problem."""
        return problem_answer(self.status, self.code, self.detail, self.headers, **self.members)


def problem_answer(
    status: int,
    code: str,
    detail: str,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    **members: Any,  # noqa: ANN401 - further members of the document
) -> Answer:
    """Return the answer that tells a problem whose detail is at hand already."""
    document = ProblemDocument(
        type=f"urn:vinculo:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        **members,
    )
    return Answer(
        status,
        msgspec.json.encode(document),
        PROBLEM_TYPE,
        ((b"cache-control", b"no-store"), *headers),
    )


def not_found(what: str, do: str) -> Problem:
    """Return the problem of a thing that does not exist."""
    return Problem(404, "not_found", expected=what, found="none of that name", do=do)


def bad_parameter(name: str, expected: str, found: str) -> Problem:
    """Return the problem of a parameter that cannot be read; ``found`` is what may be told."""
    return Problem(
        400,
        "bad_parameter",
        expected=f"{name} to be {expected}",
        found=found,
        do="see /v1/openapi.json",
    )
