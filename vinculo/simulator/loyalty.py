"""The points account, kept by an upstream system that states every movement.

A point per euro, active after two weeks, gone after a year; a hundred points pay one euro.
"""

from __future__ import annotations

from domain.instants import DAY, HOUR, moment_of
from domain.touchpoints import (
    AccountClosed,
    AccountOpened,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsRedeemed,
    PurchaseMade,
)
from vinculo.simulator.sources import ZONES, Source
from vinculo.simulator.story import Lot, Story
from vinculo.simulator.truth import Sale

PROGRAMME = "club"
_PENDING_DAYS = 14
_LIFE_DAYS = 365
_REDEEM_STEP = 100
_REDEEM_LEAST = 300
_ZONE = ZONES[Source.LOYALTY]


def open_account(story: Story) -> None:
    """Let the account be opened."""
    account = AccountOpened(programme=PROGRAMME, account=story.person.account)
    story.tell(Source.LOYALTY, story.person.card, account)


def close_account(story: Story) -> None:
    """Let the account be closed; what is left on it is lost."""
    closed = AccountClosed(
        programme=PROGRAMME, account=story.person.account, reason="relationship ended"
    )
    story.tell(Source.LOYALTY, story.person.card, closed)
    story.lots.clear()


def points_for(purchase: PurchaseMade) -> int:
    """Return what a purchase earns: a point per whole euro paid for goods, not with points."""
    goods = sum(line.amount for line in purchase.lines if line.kind != "stored_value")
    tender = sum(tender.amount for tender in purchase.tenders if tender.kind == "points")
    return max(0, goods - tender) // 100


def earn(story: Story, sale: Sale, reason: str = "purchase") -> None:
    """Let a purchase earn points, if it is worth any."""
    points = points_for(sale.purchase)
    if points == 0 or story.ended:
        return
    active_from, expires_at = story.now + _PENDING_DAYS * DAY, story.now + _LIFE_DAYS * DAY
    earned = PointsEarned(
        programme=PROGRAMME,
        account=story.person.account,
        points=points,
        active_from=moment_of(active_from).astimezone(_ZONE),
        expires_at=moment_of(expires_at).astimezone(_ZONE),
        reason=reason,
        purchase_number=sale.purchase.number,
    )
    story.tell(Source.LOYALTY, story.person.card, earned)
    sale.points = points
    story.sums["points_earned"] += points
    _add_lot(story, Lot(expires_at=expires_at, active_from=active_from, points=points))


def spendable(story: Story, points_most: int) -> int:
    """Return how many points could be redeemed now, in whole steps; 0 if too few."""
    active = sum(lot.points for lot in story.lots if lot.active_from <= story.now < lot.expires_at)
    points = min(active, points_most) // _REDEEM_STEP * _REDEEM_STEP
    return points if points >= _REDEEM_LEAST else 0


def redeem(story: Story, points: int) -> None:
    """Let active points be spent, those that expire first before the others."""
    redeemed = PointsRedeemed(
        programme=PROGRAMME, account=story.person.account, points=points, reward="discount"
    )
    story.tell(Source.LOYALTY, story.person.card, redeemed)
    story.sums["points_redeemed"] += points
    active = [lot for lot in story.lots if lot.active_from <= story.now < lot.expires_at]
    _take(active, points)


def grant(story: Story, points: int, life_days: int, reason: str) -> None:
    """Let points be given as a favour; they are active at once."""
    if story.ended:
        return
    expires_at = story.now + life_days * DAY
    _state_adjustment(story, points, reason, expires_at)
    _add_lot(story, Lot(expires_at=expires_at, active_from=story.now, points=points))


def take_back(story: Story, points: int, reason: str) -> None:
    """Let points be taken back, as far as there are any: a balance never falls below zero."""
    standing = [lot for lot in story.lots if lot.expires_at > story.now]
    points = min(points, sum(lot.points for lot in standing))
    if points > 0 and not story.ended:
        _state_adjustment(story, -points, reason, None)
        _take(standing, points)


def expire(story: Story) -> None:
    """Let the nightly run state what has expired since the last one."""
    expired = [lot for lot in story.lots if lot.expires_at <= story.now]
    points = sum(lot.points for lot in expired)
    story.lots = [lot for lot in story.lots if lot.expires_at > story.now]
    if points > 0:
        statement = PointsExpired(programme=PROGRAMME, account=story.person.account, points=points)
        story.tell(Source.LOYALTY, story.person.card, statement)
        story.sums["points_expired"] += points


def _state_adjustment(story: Story, points: int, reason: str, expires_at: int | None) -> None:
    adjusted = PointsAdjusted(
        programme=PROGRAMME,
        account=story.person.account,
        points=points,
        expires_at=None if expires_at is None else moment_of(expires_at).astimezone(_ZONE),
        reason=reason,
    )
    story.tell(Source.LOYALTY, story.person.card, adjusted)
    story.sums["points_adjusted"] += points


def _add_lot(story: Story, lot: Lot) -> None:
    story.lots.append(lot)
    story.lots.sort(key=_by_expiry)
    story.at(lot.expires_at + 3 * HOUR, expire)


def _take(lots: list[Lot], points: int) -> None:
    for lot in lots:
        taken = min(points, lot.points)
        lot.points -= taken
        points -= taken


def _by_expiry(lot: Lot) -> int:
    return lot.expires_at
