"""Errors of the till and of the webshop, and how they are mended: corrected, voided, claimed."""

from __future__ import annotations

import msgspec

from domain.touchpoints import (
    IdentifierLinked,
    Line,
    PurchaseMade,
    Tender,
    TouchpointCorrected,
    TouchpointVoided,
    type_name,
)
from vinculo.simulator import loyalty
from vinculo.simulator.population import person_of
from vinculo.simulator.sources import Source
from vinculo.simulator.story import Story, Told, refer_to
from vinculo.simulator.truth import Sale

_PURCHASE = type_name(PurchaseMade)


def other_card(story: Story) -> str | None:
    """Return the card of the next person, None if they have none or there is nobody else."""
    world = story.world
    if world.customers == 1:
        return None
    neighbour = person_of(world, (story.person.ordinal + 1) % world.customers)
    return neighbour.card if neighbour.buys and neighbour.member else None


def mend_subject(story: Story, told: Told, sale: Sale) -> None:
    """The wrong card was scanned: say whose purchase it was."""
    right = TouchpointCorrected(
        reference=refer_to(told),
        corrected_type=_PURCHASE,
        subject=story.person.card,
        reason="wrong card scanned",
    )
    story.tell(told.source, told.subject, right)
    story.sales.append(sale)
    loyalty.earn(story, sale, "corrected purchase")


def overcharge(purchase: PurchaseMade) -> PurchaseMade:
    """Return a purchase whose first line was rung up at ten times its amount."""
    first = purchase.lines[0]
    wrong = msgspec.structs.replace(first, amount=first.amount * 10, tax=first.tax * 10)
    return with_lines(purchase, (wrong, *purchase.lines[1:]))


def with_lines(purchase: PurchaseMade, lines: tuple[Line, ...]) -> PurchaseMade:
    """Return a purchase with other lines; the last tender pays the difference."""
    difference = sum(line.amount for line in lines) - sum(line.amount for line in purchase.lines)
    last = purchase.tenders[-1]
    paid = Tender(last.kind, last.amount + difference)
    return msgspec.structs.replace(purchase, lines=lines, tenders=(*purchase.tenders[:-1], paid))


def mend_amount(story: Story, told: Told, sale: Sale, right: PurchaseMade) -> None:
    """The amount was wrong: say the right lines and tenders; the points follow."""
    _correct_amount(story, told, right, "wrong amount")
    sale.purchase = right
    if sale.points:
        surplus = sale.points - loyalty.points_for(right)
        loyalty.take_back(story, surplus, "corrected purchase")
        sale.points -= surplus


def mend_in_error(story: Story, told: Told, wrong: PurchaseMade) -> None:
    """Correct a purchase that was right, and void that correction before the simulation ends."""
    voided_at = story.after_hours(1.0)
    if voided_at <= story.world.end:
        correction = _correct_amount(story, told, wrong, "price query")
        story.at(voided_at, void, correction, "corrected in error")


def void(story: Story, told: Told, reason: str) -> None:
    """Say that something never happened."""
    story.tell(told.source, told.subject, TouchpointVoided(reference=refer_to(told), reason=reason))


def claim(story: Story, sale: Sale) -> None:
    """A receipt without a name turns out to be this customer's."""
    linked = IdentifierLinked(identifiers=(sale.subject,), reason="receipt shown")
    story.tell(Source.CRM, story.person.crm, linked)
    story.identifiers.add(sale.subject)
    sale.known = True
    if story.has_card:
        loyalty.earn(story, sale, "receipt claimed")


def _correct_amount(story: Story, told: Told, right: PurchaseMade, reason: str) -> Told:
    fields = {
        "lines": msgspec.to_builtins(right.lines),
        "tenders": msgspec.to_builtins(right.tenders),
    }
    correction = TouchpointCorrected(
        reference=refer_to(told), corrected_type=_PURCHASE, fields=fields, reason=reason
    )
    return story.tell(told.source, told.subject, correction)
