"""Becoming known: leads, registration, cards, new addresses, and links that were a mistake."""

from __future__ import annotations

from domain.instants import HOUR
from domain.touchpoints import (
    CustomerRegistered,
    IdentifierLinked,
    IdentifierUnlinked,
    LeadCaptured,
    LeadDisqualified,
    LeadQualified,
    ProfileUpdated,
)
from vinculo.simulator import (
    buying,
    corrections,
    departure,
    loyalty,
    marketing,
    permission,
    service,
)
from vinculo.simulator.season import OFFICE_HOURS, SHOP_HOURS, WEB_HOURS, second_of_day
from vinculo.simulator.sources import Source
from vinculo.simulator.story import Story

_ORIGINS = ("trade fair", "web form", "recommendation", "newsletter form", "social media")
_STREETS = ("Calle Mayor", "Rua Nova", "Avenida del Mar", "Travessa do Sol", "Plaza Vieja")
_LANGUAGES = (("es", "ES"), ("es", "ES"), ("pt", "PT"))
_DIALLING_CODES = {"ES": "+34", "PT": "+351"}

_QUALIFIED, _JUDGED = 0.50, 0.80  # shares of leads, cumulative


def begin(story: Story) -> None:
    """Put the moment on the agenda in which the company first hears of this person."""
    person = story.person
    first = story.world.instant(person.entry_day, second_of_day(WEB_HOURS, story.random))
    if person.buys and story.chance(0.62):
        story.at(first, register)
    else:
        story.at(first, capture)


def capture(story: Story) -> None:
    """Show interest before buying anything."""
    person = story.person
    cookies: tuple[str, ...] = ()
    if story.chance(0.35):
        cookies = (person.cookie,)
        story.identifiers.add(person.cookie)
    captured = LeadCaptured(
        name=person.name,
        email=person.email.removeprefix("email:"),
        origin=story.random.choice(_ORIGINS),
        identifiers=cookies,
        channel="web",
    )
    story.tell(Source.WEBSHOP, person.email, captured)
    permission.ask(story)
    marketing.begin(story)
    story.at(story.on_later_day(6, OFFICE_HOURS), _judge)
    if person.buys:
        story.at(story.on_later_day(25, WEB_HOURS), register)


def register(story: Story) -> None:
    """Become a customer by name; most begin to buy on the same day."""
    person = story.person
    from_scratch = not story.told
    card_now = person.member and story.chance(0.85)
    identifiers = (person.email, person.card) if card_now else (person.email,)
    story.tell(Source.CRM, person.crm, _registration(story, identifiers))
    story.registered = True
    story.identifiers.add(person.crm)
    if card_now:
        _take_card(story)
    elif person.member:
        story.at(story.on_later_day(30, SHOP_HOURS), hand_out_card)
    if from_scratch:
        permission.ask(story)
        marketing.begin(story)
    _plan_life(story)


def hand_out_card(story: Story) -> None:
    """Get a card later than the registration; the CRM links it."""
    if not story.ended:
        linked = IdentifierLinked(identifiers=(story.person.card,), reason="card handed out")
        story.tell(Source.CRM, story.person.crm, linked)
        _take_card(story)


def _take_card(story: Story) -> None:
    story.has_card = True
    story.identifiers.add(story.person.card)
    loyalty.open_account(story)


def _plan_life(story: Story) -> None:
    permission.describe(story)
    service.begin(story)
    if story.chance(0.55):
        story.at(
            story.now + 1 + int(story.random.random() * 2 * HOUR), buying.buy, story.chance(0.3)
        )
    else:
        buying.plan_purchase(story)
    if story.chance(0.12):
        story.at(story.on_later_day(200, OFFICE_HOURS), _move_house)
    if story.chance(0.3):
        story.at(story.on_later_day(150, OFFICE_HOURS), _be_called)
    if story.chance(0.05):
        story.at(story.on_later_day(150, OFFICE_HOURS), departure.tell_of_competitor)
    if story.chance(0.02):
        story.at(story.on_later_day(90, OFFICE_HOURS), _be_mixed_up)


def _judge(story: Story) -> None:
    verdict = story.random.random()
    if story.registered or verdict > _JUDGED:
        return
    if verdict < _QUALIFIED or story.person.buys:
        qualified = LeadQualified(score=story.random.randint(300, 950))
        story.tell(Source.CRM, story.person.email, qualified)
        service.talk(story, "outbound", "first contact")
    else:
        story.tell(Source.CRM, story.person.email, LeadDisqualified(reason="no budget"))


def _move_house(story: Story) -> None:
    if not story.ended:
        address, postcode = _address(story)
        story.tell(Source.CRM, story.person.crm, ProfileUpdated(address=address, postcode=postcode))


def _be_called(story: Story) -> None:
    if not story.ended:
        service.talk(story, "outbound", "how do you like it")


def _be_mixed_up(story: Story) -> None:
    """The CRM links somebody else's card; it is noticed and unlinked before the simulation ends."""
    other = corrections.other_card(story)
    noticed_at = story.after_hours(200)
    if other is not None and noticed_at <= story.world.end:
        linked = IdentifierLinked(identifiers=(other,), reason="same name")
        story.tell(Source.CRM, story.person.crm, linked)
        story.at(noticed_at, _be_told_apart, other)


def _be_told_apart(story: Story, other: str) -> None:
    unlinked = IdentifierUnlinked(identifiers=(other,), reason="linked by mistake")
    story.tell(Source.CRM, story.person.crm, unlinked)


def _registration(story: Story, identifiers: tuple[str, ...]) -> CustomerRegistered:
    random, person = story.random, story.person
    address, postcode = _address(story)
    language, country = random.choice(_LANGUAGES)
    return CustomerRegistered(
        name=person.name,
        email=person.email.removeprefix("email:"),
        phone=_phone(story, country),
        address=address,
        postcode=postcode,
        born_on=person.born_on,
        language=language,
        country=country,
        identifiers=identifiers,
        channel="shop" if person.card in identifiers else "web",
    )


def _phone(story: Story, country: str) -> str:
    """Return a number of the country's form in a range that it has given to nobody."""
    digits = f"{story.random.randrange(1_000_000):06d}"
    return f"{_DIALLING_CODES[country]} 555 {digits[:3]} {digits[3:]}"


def _address(story: Story) -> tuple[str, str]:
    random = story.random
    street = f"{random.choice(_STREETS)} {random.randint(1, 140)}"
    return street, f"{random.randint(1_000, 52_999):05d}"
