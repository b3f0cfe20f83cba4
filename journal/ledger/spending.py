"""What programmes say of spending points: by the version in force at the instant of asking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final, Protocol

import msgspec
import psycopg

from domain.calendar import Calendar
from domain.errors import Refused
from domain.instants import SECOND, date_of, day_of, instant_of
from domain.ledger.redeeming import DEFAULT_TERMS, RedemptionTerms
from domain.programmes.compiling import CompiledVersion
from domain.programmes.format import PointsCurrency, Reissue, Reward, Transfers
from domain.programmes.rulebook import ProgrammeRulebook
from journal.programmes.rules import HeardRules

OFFLINE_DAYS_AHEAD_MAX: Final = 31


class SpendingRules(Protocol):
    """What the ledger asks of programmes. Called while accounts are locked, so it never blocks.

    Every method raises :class:`~domain.errors.Refused` where the programme does not allow what is
    asked; instants are microseconds since 1970.
    """

    def require_open(self, programme: str, at: int) -> None:
        """Refuse unless accounts of a programme may be opened."""

    def terms(self, programme: str, currency: str, at: int) -> RedemptionTerms:
        """Return what holds for redeeming points of a currency."""

    def reward(self, programme: str, code: str, at: int) -> Reward:
        """Return a reward of the catalogue that may be taken now."""

    def offline_points(self, programme: str, currency: str, at: int) -> int:
        """Return what a till without a line may redeem for an account on a day."""

    def end_of_day(self, day: int, at: int) -> int:
        """Return the first instant behind a business day that is not over."""

    def transfers(self, programme: str, at: int) -> Transfers:
        """Return the limits of transfers."""

    def year_begin(self, at: int) -> int:
        """Return the first instant of the calendar year."""


class RulebookSpending:
    """Spending by the rulebook.

    Args:
        rulebook: every approved version of every programme.

    """

    def __init__(self, rulebook: ProgrammeRulebook) -> None:
        self._rulebook = rulebook

    def require_open(self, programme: str, at: int) -> None:
        """Refuse ``programme_unknown`` or ``programme_upstream``."""
        if self._version(programme, at).written.authority == "upstream":
            detail = (
                f"programme {programme}: expected one whose accounts are ours, found one whose "
                "authority is upstream; its accounts are mirrored from what is stated of them"
            )
            raise Refused("programme_upstream", detail)

    def terms(self, programme: str, currency: str, at: int) -> RedemptionTerms:
        """Return what holds for redeeming; refuse ``currency_unknown`` or ``not_redeemable``."""
        found = self._currency(programme, currency, at)
        burn = found.burn
        if burn is None:
            detail = f"currency: expected a redeemable one, found {currency}, which only qualifies"
            raise Refused("not_redeemable", detail)
        reversal = found.reversal
        reissued = isinstance(reversal, Reissue)
        seconds = DEFAULT_TERMS.reissue_seconds
        if isinstance(reversal, Reissue):
            calendar = self._rulebook.calendar
            seconds = (calendar.start(calendar.day(at) + reversal.days + 1) - at) // SECOND
        return RedemptionTerms(
            minimum=burn.minimum,
            step=burn.step,
            reservation_seconds=burn.reservation_seconds,
            expired_lots="reissue" if reissued else "forfeit",
            reissue_seconds=seconds,
        )

    def reward(self, programme: str, code: str, at: int) -> Reward:
        """Return a reward; refuse ``reward_unknown`` or ``reward_not_valid``."""
        version = self._version(programme, at)
        found = next((one for one in version.written.rewards if one.code == code), None)
        if found is None:
            detail = (
                f"reward: expected one of programme {programme}'s catalogue, found {code!r}; see "
                f"GET /v1/programmes/{programme}/rewards"
            )
            raise Refused("reward_unknown", detail)
        if not is_valid(found, at):
            detail = (
                f"reward {code}: expected a time from {found.valid_from or 'ever'} until "
                f"{found.valid_until or 'for ever'}, found that it is not"
            )
            raise Refused("reward_not_valid", detail)
        return found

    def offline_points(self, programme: str, currency: str, at: int) -> int:
        """Return the allowance; refuse ``offline_not_allowed``."""
        burn = self._currency(programme, currency, at).burn
        if burn is None or not burn.offline_points_per_day:
            detail = (
                f"currency {currency}: expected one with an off-line allowance, found none; give "
                "it offline_points_per_day in a version of the programme"
            )
            raise Refused("offline_not_allowed", detail)
        return burn.offline_points_per_day

    def end_of_day(self, day: int, at: int) -> int:
        """Return the end of a day; refuse ``day_invalid``."""
        calendar = self._rulebook.calendar
        today = calendar.day(at)
        if not today <= day <= today + OFFLINE_DAYS_AHEAD_MAX:
            detail = (
                f"day: expected a business day from {date_of(today)} on, at most "
                f"{OFFLINE_DAYS_AHEAD_MAX} days ahead, found {date_of(day)}"
            )
            raise Refused("day_invalid", detail)
        return calendar.start(day + 1)

    def transfers(self, programme: str, at: int) -> Transfers:
        """Return the limits of transfers; refuse ``transfers_not_allowed``."""
        found = self._version(programme, at).written.transfers
        if found is None:
            detail = (
                f"programme {programme}: expected one that allows transfers, found that it does "
                "not; a version of it may"
            )
            raise Refused("transfers_not_allowed", detail)
        return found

    def year_begin(self, at: int) -> int:
        """Return the first instant of the calendar year, in the business zone."""
        calendar = self._rulebook.calendar
        return calendar.start(day_of(date(date_of(calendar.day(at)).year, 1, 1)))

    def _version(self, programme: str, at: int) -> CompiledVersion:
        version = self._rulebook.in_force(programme, at)
        if version is None:
            known = ", ".join(self._rulebook.programmes()) or "none"
            detail = (
                f"programme: expected one with a version in force, found {programme!r}; there are: "
                f"{known}"
            )
            raise Refused("programme_unknown", detail)
        return version

    def _currency(self, programme: str, currency: str, at: int) -> PointsCurrency:
        listed = self._version(programme, at).written.currencies
        found = next((one for one in listed if one.code == currency), None)
        if found is None:
            codes = ", ".join(one.code for one in listed)
            raise Refused(
                "currency_unknown", f"currency: expected one of {codes}, found {currency!r}"
            )
        return found


class PlainSpending:
    """Spending where no rulebook is asked: the same terms for all, no rewards, free transfers.

    Args:
        terms: by programme.

    """

    def __init__(self, terms: Callable[[str], RedemptionTerms] = lambda _: DEFAULT_TERMS) -> None:
        self._terms = terms

    def require_open(self, programme: str, at: int) -> None:
        """Let every account be opened."""

    def terms(self, programme: str, currency: str, at: int) -> RedemptionTerms:  # noqa: ARG002 - the protocol's
        """Return the terms of the programme."""
        return self._terms(programme)

    def reward(self, programme: str, code: str, at: int) -> Reward:  # noqa: ARG002 - the protocol's
        """Refuse ``reward_unknown``."""
        detail = f"reward: expected a catalogue, found none that could hold {code!r}"
        raise Refused("reward_unknown", detail)

    def offline_points(self, programme: str, currency: str, at: int) -> int:  # noqa: ARG002 - the protocol's
        """Refuse ``offline_not_allowed``."""
        detail = "allowance: expected rules that allow it, found none"
        raise Refused("offline_not_allowed", detail)

    def end_of_day(self, day: int, at: int) -> int:  # noqa: ARG002 - the protocol's
        """Return the end of the day in UTC."""
        return (day + 1) * 86_400 * SECOND

    def transfers(self, programme: str, at: int) -> Transfers:  # noqa: ARG002 - the protocol's
        """Return no limits."""
        return Transfers()

    def year_begin(self, at: int) -> int:  # noqa: ARG002 - the protocol's
        """Return the beginning of time: nothing is limited by the year."""
        return 0


class HeardSpending:
    """Spending by the rules as they are now, for a writer.

    Args:
        log_id: of the decisions log.
        calendar: of the tenant.

    """

    def __init__(self, log_id: int, calendar: Calendar) -> None:
        self._heard = HeardRules(log_id, calendar)
        self._rulebook: ProgrammeRulebook | None = None
        self._spending: SpendingRules = PlainSpending()

    def __call__(self, connection: psycopg.Connection) -> SpendingRules:
        """Return the rules; one look into an index of few entries."""
        rulebook, _ = self._heard(connection)
        if rulebook is not self._rulebook:
            self._rulebook, self._spending = rulebook, RulebookSpending(rulebook)
        return self._spending


RulesHeard = Callable[[psycopg.Connection], SpendingRules]
"""Returns the rules as they are now; asked once a transaction, before accounts are locked."""


def plain_rules(_connection: psycopg.Connection) -> SpendingRules:
    """Return what holds where no programme says anything."""
    return PlainSpending()


def is_valid(reward: Reward, at: int) -> bool:
    """Say whether a reward may be taken at an instant."""
    begins = reward.valid_from is None or instant_of(reward.valid_from) <= at
    return begins and (reward.valid_until is None or at < instant_of(reward.valid_until))


def for_reward(terms: RedemptionTerms) -> RedemptionTerms:
    """Return the terms of redeeming for a reward: its price is its price, whatever the steps."""
    return msgspec.structs.replace(terms, minimum=1, step=1)
