"""Instants as documents show them."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from domain.instants import EPOCH, OCCURRED_MIN, STATED_MAX
from projections.customer.shown import moment


@given(st.integers(OCCURRED_MIN, STATED_MAX))
@example(2**32 * 1_000_000 - 1)
@example(2**32 * 1_000_000)
@example(0)
@example(-1)
def test_every_instant_is_shown_to_the_microsecond(instant: int) -> None:
    assert EPOCH + timedelta(microseconds=instant) == moment(instant)
