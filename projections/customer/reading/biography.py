"""Histories that the state of a customer holds: its lifecycle, its mirrored loyalty accounts."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.lifecycle.judgement import history
from domain.lifecycle.machine import Transition
from domain.lifecycle.stages import Stage, Timer
from domain.loyalty.history import Movement, statement_history
from projections.customer.fold import State
from projections.customer.part import Reading
from projections.customer.parts.lifecycle import LifecycleDocument
from projections.customer.parts.lifecycle import render as render_lifecycle
from projections.customer.parts.loyalty import LoyaltyAccount
from projections.customer.parts.loyalty import render as render_loyalty
from projections.customer.shown import moment, uuid_text


class TransitionShown(msgspec.Struct, frozen=True, gc=False):
    """A change of stage.

    Args:
        at: when; of a timer the instant it was due.
        from_stage: null before the customer was known.
        to_stage: where it came.
        reasons: all that was true then, in the order of the rules.
        cause: entry id of the touchpoint that made it, or that set the timer.
        timer: which timer made it; null if a touchpoint did.
        rules: version of the rules that judged it.

    """

    at: datetime
    from_stage: Stage | None
    to_stage: Stage
    reasons: tuple[str, ...]
    cause: str
    timer: Timer | None
    rules: str


class LifecycleShown(msgspec.Struct, frozen=True, gc=False):
    """How a customer stands and how it came there.

    Args:
        customer_id: whose it is.
        horizon: up to when timers were run in ``transitions``; null before the first
            touchpoint and the first tick.
        as_of: the instant for which ``standing`` was rendered.
        standing: the lifecycle as of then.
        transitions: every change of stage up to the horizon, the earliest first.

    """

    customer_id: str
    horizon: datetime
    as_of: datetime
    standing: LifecycleDocument | None
    transitions: tuple[TransitionShown, ...]


class AccountShown(msgspec.Struct, frozen=True, gc=False):
    """A mirrored loyalty account with its movements, the earliest first."""

    account: LoyaltyAccount
    movements: tuple[Movement, ...]


class AccountsShown(msgspec.Struct, frozen=True, gc=False):
    """The mirrored loyalty accounts of a customer; they never merge.

    Args:
        customer_id: whose they are.
        as_of: the instant up to which timers were run.
        accounts: sorted by programme, source and number.

    """

    customer_id: str
    as_of: datetime
    accounts: tuple[AccountShown, ...]


def lifecycle_of(
    customer_id: bytes, state: State, reading: Reading, horizon: int
) -> LifecycleShown:
    """Return the lifecycle of a customer.

    Args:
        customer_id: 16 bytes.
        state: as decoded.
        reading: the instant for which the standing is rendered.
        horizon: the common one; the customer's own is its latest touchpoint if that is later
            (ruling 10).

    """
    reach = max(horizon, state.latest)
    context = reading.context
    transitions = history(state.lifecycle.inputs, context.lifecycle, context.calendar, reach)
    return LifecycleShown(
        customer_id=uuid_text(customer_id),
        horizon=moment(reach),
        as_of=moment(reading.now),
        standing=render_lifecycle(state.lifecycle, reading),
        transitions=tuple(_show(one) for one in transitions),
    )


def accounts_of(customer_id: bytes, state: State, reading: Reading) -> AccountsShown:
    """Return the mirrored loyalty accounts of a customer, with all their movements."""
    shown = render_loyalty(state.loyalty, reading).accounts
    programme_of = reading.context.loyalty.programme
    movements = [
        tuple(statement_history(one, programme_of(one.programme), reading.now))
        for one in state.loyalty.accounts
    ]
    accounts = tuple(
        AccountShown(account, moved) for account, moved in zip(shown, movements, strict=True)
    )
    return AccountsShown(uuid_text(customer_id), moment(reading.now), accounts)


def _show(transition: Transition) -> TransitionShown:
    return TransitionShown(
        at=moment(transition.at),
        from_stage=transition.from_stage,
        to_stage=transition.to_stage,
        reasons=transition.reasons,
        cause=uuid_text(transition.cause),
        timer=transition.timer or None,
        rules=transition.rules,
    )
