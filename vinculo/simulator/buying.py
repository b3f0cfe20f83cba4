"""Buying and giving back: when, where, what, how it is paid, and what goes wrong."""

from __future__ import annotations

import msgspec

from domain.instants import SECOND
from domain.touchpoints import (
    CostToServeRecorded,
    PurchaseMade,
    PurchaseReference,
    PurchaseReturned,
    Tender,
)
from domain.touchpoints.base import Channel
from vinculo.simulator import corrections, departure, loyalty, service
from vinculo.simulator.assortment import GIFT_CARDS, fill_basket, gift_card
from vinculo.simulator.season import OFFICE_HOURS, SHOP_HOURS, WEB_HOURS, second_of_day
from vinculo.simulator.sources import CURRENCY, PROFILES, Source
from vinculo.simulator.story import Story, Told
from vinculo.simulator.truth import Sale

_STORES = ("S01", "S02", "S03", "S04", "S05")
_SHIPPING = 490
_SHIPPING_FREE_FROM = 5_000
_DELIVERY_COST = 320
_LEAST_MINUTES = 5
_CLAIMS_MAX = 3
_BLOCKED_COOKIE = "cookie:unknown"
_RETURN_REASONS = ("defective", "does not please", "wrong article", "arrived late")
# Shares of a shop's purchases in which something goes wrong, cumulative.
_WRONG_CARD, _WRONG_AMOUNT, _RUNG_UP_TWICE, _MENDED_IN_ERROR, _NO_ERROR = (
    0.012, 0.024, 0.034, 0.040, 1.0,
)  # fmt: skip


def plan_purchase(story: Story) -> None:
    """Put the next purchase on the agenda: a Poisson process, thinned by season and weekday."""
    world, random, person = story.world, story.random, story.person
    candidates_per_day = person.purchases_per_day / world.mean_appetite
    day = float(story.today) + random.random()
    while True:
        day += random.expovariate(candidates_per_day)
        if day >= world.days:
            return
        if random.random() < world.appetites[int(day)]:
            break
    on_line = random.random() < person.web_share
    second = second_of_day(WEB_HOURS if on_line else SHOP_HOURS, random)
    soonest = story.now + _LEAST_MINUTES * 60 * SECOND
    story.at(max(soonest, world.instant(int(day), second)), buy, on_line)


def buy(story: Story, on_line: object) -> None:
    """Let a purchase happen, and decide whether it was the last of its run."""
    if story.ended:
        return
    if on_line:
        _buy_on_line(story)
    else:
        _buy_in_shop(story)
    service.maybe_ask(story, "nps", 0.06)
    if story.chance(story.person.dropout):
        departure.leave(story)
        if story.chance(0.14):
            story.at(story.on_later_day(260, OFFICE_HOURS), come_back)
    else:
        plan_purchase(story)


def come_back(story: Story) -> None:
    """A customer who had gone silent begins to buy again."""
    story.gone = False
    plan_purchase(story)


def _buy_on_line(story: Story) -> None:
    person = story.person
    purchase = _ring_up(story, channel="web" if story.chance(0.75) else "app", named=True)
    subject = person.email if story.chance(0.7) else person.crm
    if story.chance(0.4):
        story.identifiers.add(person.cookie)
        purchase = msgspec.structs.replace(purchase, identifiers=(person.cookie,))
    elif story.chance(0.03):
        purchase = msgspec.structs.replace(purchase, identifiers=(_BLOCKED_COOKIE,))
    told = story.tell(Source.WEBSHOP, subject, purchase)
    sale = _book(story, told, purchase)
    story.at(story.after_hours(30), _deliver, subject)
    _earn_and_maybe_return(story, sale)


def _buy_in_shop(story: Story) -> None:
    if not story.has_card or story.chance(0.09):
        _sell_to_stranger(story)
        return
    purchase = _ring_up(story, channel="shop", named=True)
    mended_at = story.after_hours(20)
    error = story.random.random() if mended_at <= story.world.end else _NO_ERROR
    if error < _WRONG_CARD and (other := corrections.other_card(story)) is not None:
        told = story.tell(Source.TILL, other, purchase)
        story.at(mended_at, corrections.mend_subject, told, _sale(told, purchase))
    elif error < _WRONG_AMOUNT:
        _overcharge(story, purchase, mended_at)
    else:
        told = story.tell(Source.TILL, story.person.card, purchase)
        _earn_and_maybe_return(story, _book(story, told, purchase))
        if error < _RUNG_UP_TWICE:
            story.at(story.now + 90 * SECOND, _ring_up_again, purchase, mended_at)
        elif error < _MENDED_IN_ERROR:
            wrong = corrections.overcharge(purchase)
            story.at(mended_at, corrections.mend_in_error, told, wrong)


def _sell_to_stranger(story: Story) -> None:
    purchase = _ring_up(story, channel="shop", named=False)
    told = story.tell(Source.TILL, f"receipt:{purchase.number}", purchase)
    sale = _book(story, told, purchase)
    sale.known = False
    if story.chance(0.3) and story.number("claim") <= _CLAIMS_MAX:
        story.at(story.on_later_day(6, OFFICE_HOURS), corrections.claim, sale)
    _maybe_return(story, sale)


def _overcharge(story: Story, right: PurchaseMade, mended_at: int) -> None:
    wrong = corrections.overcharge(right)
    told = story.tell(Source.TILL, story.person.card, wrong)
    sale = _book(story, told, wrong)
    loyalty.earn(story, sale)
    story.at(mended_at, corrections.mend_amount, told, sale, right)


def _ring_up_again(story: Story, purchase: PurchaseMade, mended_at: int) -> None:
    twice = story.tell(Source.TILL, story.person.card, purchase)
    story.at(mended_at, corrections.void, twice, "rung up twice")


def _ring_up(story: Story, *, channel: Channel, named: bool) -> PurchaseMade:
    person, random = story.person, story.random
    in_shop = channel == "shop"
    lines = fill_basket(story.world.shelves, person.favourites, person.thrift, random)
    if story.chance(0.02):
        lines.append(gift_card(random.choice(GIFT_CARDS)))
    goods = sum(line.amount for line in lines)
    shipping = 0 if in_shop or goods >= _SHIPPING_FREE_FROM else _SHIPPING
    tenders = _pay(story, goods + shipping, cash=in_shop and story.chance(0.3), named=named)
    if named and lines[-1].kind == "stored_value":
        story.gift_balance += lines[-1].amount
    return PurchaseMade(
        number=f"{'T' if in_shop else 'W'}{person.ordinal:07d}-{story.number('ticket'):04d}",
        currency=CURRENCY,
        lines=tuple(lines),
        tenders=tenders,
        shipping=shipping,
        store=random.choice(_STORES) if in_shop else None,
        till=f"K{random.randint(1, 4)}" if in_shop else None,
        channel=channel,
    )


def _pay(story: Story, due: int, *, cash: bool, named: bool) -> tuple[Tender, ...]:
    tenders = []
    if named and story.lots and story.chance(0.35):
        points = loyalty.spendable(story, due // 2)
        if points:
            loyalty.redeem(story, points)
            tenders.append(Tender("points", points))
            due -= points
    if named and story.gift_balance and story.chance(0.6):
        from_card = min(due, story.gift_balance)
        story.gift_balance -= from_card
        tenders.append(Tender("gift_card", from_card))
        due -= from_card
    if due:
        tenders.append(Tender("cash" if cash else "card", due))
    return tuple(tenders)


def _earn_and_maybe_return(story: Story, sale: Sale) -> None:
    if story.has_card:
        loyalty.earn(story, sale)
    _maybe_return(story, sale)


def _maybe_return(story: Story, sale: Sale) -> None:
    if story.chance(0.07):
        story.at(story.on_later_day(9, SHOP_HOURS), _give_back, sale)


def _give_back(story: Story, sale: Sale) -> None:
    goods = [line for line in sale.purchase.lines if line.kind == "goods"]
    lines = tuple(goods[: story.random.randint(1, len(goods))])
    amount = sum(line.amount for line in lines)
    at_the_counter = sale.source == Source.WEBSHOP and story.has_card and story.chance(0.5)
    source = Source.TILL if at_the_counter else Source(sale.source)
    purchase = PurchaseReference(PROFILES[sale.source].source, sale.purchase.number)
    back = PurchaseReturned(
        number=f"R{story.person.ordinal:07d}-{story.number('ticket'):04d}",
        currency=CURRENCY,
        lines=lines,
        purchase=purchase if story.chance(0.85) else None,
        tenders=(Tender("card", amount),),
        reason=story.random.choice(_RETURN_REASONS),
        channel="shop" if source is Source.TILL else "web",
    )
    story.tell(source, story.person.card if at_the_counter else sale.subject, back)
    sale.returned.append(back)
    loyalty.take_back(story, min(sale.points, amount // 100), "return")


def _deliver(story: Story, subject: str) -> None:
    cost = CostToServeRecorded(currency=CURRENCY, amount=_DELIVERY_COST, kind="delivery")
    story.tell(Source.WEBSHOP, subject, cost)
    story.sums["cost_to_serve"] += _DELIVERY_COST


def _book(story: Story, told: Told, purchase: PurchaseMade) -> Sale:
    sale = _sale(told, purchase)
    story.sales.append(sale)
    return sale


def _sale(told: Told, purchase: PurchaseMade) -> Sale:
    return Sale(source=told.source, id=told.id, at=told.at, subject=told.subject, purchase=purchase)
