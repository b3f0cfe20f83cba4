"""Loyalty programmes: what a tenant settles about each of them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from domain.errors import VinculoError


class ProgrammeError(VinculoError):
    """A register of programmes that contradicts itself."""


class Programme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One programme. Changing a setting changes the past too: it is applied as a rebuild.

    Args:
        code: the programme, as touchpoints name it.
        upstream_states_expiry: whether the upstream system publishes ``PointsExpired``. If so,
            its word counts and a lot past its date waits for it, unavailable; if not, our own
            timer expires the lot on its date.

    """

    code: Annotated[str, Meta(min_length=1, max_length=100)]
    upstream_states_expiry: bool = True


class ProgrammeRegister(msgspec.Struct, frozen=True):
    """All programmes of a tenant that need a setting; the others have the defaults.

    By default upstream is held to state its expiry, because ruling 23 lets ours apply *only where
    the programme says* that it states none, and because that errs on neither side: a lot past its
    date is unavailable either way, and points that upstream does expire are not taken twice.

    Args:
        programmes: at most one for each code, in any order.

    Raises:
        ProgrammeError: if a code stands there twice.

    """

    programmes: tuple[Programme, ...] = ()

    def __post_init__(self) -> None:
        codes = [programme.code for programme in self.programmes]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            message = (
                f"expected each loyalty programme once, found several settings of {twice}; "
                "keep one of each"
            )
            raise ProgrammeError(message)

    def programme(self, code: str) -> Programme:
        """Return the settings of a programme; the defaults if nothing is settled about it."""
        for programme in self.programmes:
            if programme.code == code:
                return programme
        return Programme(code=code)
