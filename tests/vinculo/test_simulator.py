"""The simulated business is repeatable, readable, and looks like a business."""

import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from domain.calendar import Calendar
from domain.cloudevent import read_structured
from domain.errors import Refused, VinculoError
from domain.identifiers import is_blocked, parse_identifier
from domain.instants import HOUR, day_of, instant_of
from domain.touchpoints import CATALOGUE, PurchaseMade
from vinculo.simulator import (
    BUSINESS_ZONE,
    PROFILES,
    SimulatedMessage,
    Simulation,
    simulate,
    simulate_histories,
)
from vinculo.simulator.defects import DEFECTS

UNTIL = date(2024, 12, 31)
CUSTOMERS = 600
_ROOT = Path(__file__).resolve().parents[2]
_PROFILE_OF = {profile.source: profile for profile in PROFILES}
_SCRIPT = """
import hashlib
from datetime import date
from vinculo.simulator import simulate
digest = hashlib.sha256()
for message in simulate(customers=60, seed=5, until=date(2024, 12, 31)).messages:
    digest.update(message.topic.encode() + message.key + message.payload)
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def business() -> Simulation:
    return simulate(customers=CUSTOMERS, seed=11, until=UNTIL)


@pytest.fixture(scope="module")
def good(business: Simulation) -> list[SimulatedMessage]:
    return [message for message in business.messages if message.defect is None]


def _digest(messages: Iterable[SimulatedMessage]) -> str:
    digest = hashlib.sha256()
    for message in messages:
        digest.update(message.topic.encode() + message.key + message.payload)
    return digest.hexdigest()


def _elsewhere(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        cwd=_ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_same_seed_gives_same_messages_and_truth() -> None:
    first = simulate(customers=60, seed=5, until=UNTIL)
    again = simulate(customers=60, seed=5, until=UNTIL)
    assert first.messages == again.messages
    assert first.truth == again.truth


def test_what_people_tell_of_themselves_agrees(good: list[SimulatedMessage]) -> None:
    """Ages fit birthdays at the moment they are told, and phones the country."""
    born: dict[str, date] = {}
    told: list[tuple[str, date, str]] = []
    for message in good:
        event = json.loads(message.payload)
        data = event["data"]
        if event["type"].startswith("vinculo.customer_registered"):
            code = {"ES": "+34 ", "PT": "+351 "}[data["country"]]
            assert data["phone"].startswith(code)
            assert 9 == sum(one.isdigit() for one in data["phone"].removeprefix(code))
            for name in (event["subject"], *data.get("identifiers", ())):
                born[name] = date.fromisoformat(data["born_on"])
        elif event["type"].startswith("vinculo.demographics_recorded"):
            on = datetime.fromisoformat(event["time"]).date()
            told.append((event["subject"], on, data["age_band"]))
    compared = 0
    for subject, on, band in told:
        if subject in born:
            low, _, high = band.replace("+", "-999").partition("-")
            age = (on - born[subject]).days / 365.2425
            assert int(low) - 0.01 <= age < int(high) + 1.01
            compared += 1
    assert compared > 20


def test_another_process_with_another_hash_seed_gives_the_same_bytes() -> None:
    here = _digest(simulate(customers=60, seed=5, until=UNTIL).messages)
    assert [here, here] == [_elsewhere("0"), _elsewhere("4242")]


def test_another_seed_another_day_and_another_size_give_other_messages() -> None:
    digests = {
        _digest(simulate(customers=customers, seed=seed, until=until).messages)
        for customers, seed, until in (
            (20, 1, UNTIL), (20, 2, UNTIL), (20, 1, date(2024, 12, 30)), (21, 1, UNTIL),
        )
    }  # fmt: skip
    assert len(digests) == 4


def test_one_person_after_the_other_gives_the_same_business_in_another_order() -> None:
    whole = simulate(customers=40, seed=3, until=UNTIL)
    histories = list(simulate_histories(customers=40, seed=3, until=UNTIL))
    messages = [message for history in histories for message in history.messages]
    assert Counter(map(msgspec.json.encode, whole.messages)) == Counter(
        map(msgspec.json.encode, messages)
    )
    assert list(whole.truth.customers) == [history.truth for history in histories]


@pytest.mark.parametrize(("customers", "days"), [(0, 730), (5, 29)])
def test_an_empty_or_too_short_business_is_refused(customers: int, days: int) -> None:
    with pytest.raises(VinculoError, match=f"found {customers} and {days}"):
        simulate(customers=customers, seed=1, until=UNTIL, days=days)


@pytest.mark.parametrize("customers", [1, 2, 9])
def test_a_handful_of_people_is_a_business_too(customers: int) -> None:
    small = simulate(customers=customers, seed=1, until=UNTIL, days=30)
    assert customers == len(small.truth.customers)
    assert small.messages


def test_every_good_message_is_taken_by_the_domain(good: list[SimulatedMessage]) -> None:
    for message in good:
        event = read_structured(message.payload)
        touchpoint = CATALOGUE.decode(event.type, event.data)
        identifier = parse_identifier(event.subject)
        assert not is_blocked(identifier)
        assert message.source == event.source
        assert message.occurred_at == instant_of(event.time)
        assert _PROFILE_OF[event.source].topic == message.topic
        named = {identifier.namespace}
        named |= {parse_identifier(text).namespace for text in touchpoint.identifiers}
        assert named <= set(_PROFILE_OF[event.source].namespaces)


def test_every_broken_message_is_refused_with_its_code(business: Simulation) -> None:
    for message in business.messages:
        if message.defect is None:
            continue
        if message.refusal is None:
            event = read_structured(message.payload)
            CATALOGUE.decode(event.type, event.data)
            continue
        with pytest.raises(Refused) as refused:
            _read(message.payload)
        assert message.refusal == refused.value.code


def test_defects_that_only_intake_can_see_are_what_they_say(business: Simulation) -> None:
    stored: dict[tuple[str, str], bytes] = {}
    seen = Counter[str]()
    for message in business.messages:
        if message.defect is None:
            event = read_structured(message.payload)
            stored.setdefault((event.source, event.id), message.payload)
        elif message.refusal is None:
            seen[message.defect] += 1
            event = read_structured(message.payload)
            data: dict[str, Any] = msgspec.json.decode(event.data)
            if message.defect == "blocked_subject":
                assert is_blocked(parse_identifier(event.subject))
            elif message.defect == "foreign_correction":
                assert data["reference"]["source"] != event.source
                assert (data["reference"]["source"], data["reference"]["id"]) in stored
            else:
                assert stored[event.source, event.id] != message.payload
    assert {"blocked_subject", "foreign_correction", "conflicting_content"} == set(seen)


def _read(payload: bytes) -> None:
    event = read_structured(payload)
    CATALOGUE.decode(event.type, event.data)


@pytest.mark.parametrize("customers", [9, 45, CUSTOMERS])
def test_every_kind_of_defect_occurs(customers: int) -> None:
    messages = simulate(customers=customers, seed=11, until=UNTIL).messages
    found = {message.defect for message in messages} - {None}
    assert set(DEFECTS) == found


def test_every_touchpoint_of_the_catalogue_occurs() -> None:
    truth = simulate(customers=2_000, seed=1, until=UNTIL).truth
    assert set(CATALOGUE.types) == set(truth.touchpoints())


def test_few_messages_are_late_repeated_or_broken(business: Simulation) -> None:
    shares = Counter(message.delivery for message in business.messages)
    total = len(business.messages)
    assert 0.02 < shares["late"] / total < 0.04
    assert 0.005 < shares["duplicate"] / total < 0.015
    assert 0.001 < shares["broken"] / total < 0.01
    assert 40 <= (total - shares["duplicate"] - shares["broken"]) / CUSTOMERS <= 60


def test_delivery_says_what_can_be_seen(good: list[SimulatedMessage]) -> None:
    seen: set[tuple[str, bytes]] = set()
    for message in good:
        repeated = (message.source, message.payload) in seen
        seen.add((message.source, message.payload))
        assert repeated == (message.delivery == "duplicate") == (message.outcome == "duplicate")
        if not repeated:
            late = message.arrives_at - message.occurred_at >= HOUR
            assert late == (message.delivery == "late")


def test_messages_come_in_order_of_arrival_and_not_of_what_happened(
    good: list[SimulatedMessage],
) -> None:
    arrivals = [message.arrives_at for message in good]
    assert sorted(arrivals) == arrivals
    happened = [message.occurred_at for message in good]
    assert sorted(happened) != happened


def test_nothing_arrives_before_it_happened_or_after_the_last_day(business: Simulation) -> None:
    calendar = Calendar.in_zone(BUSINESS_ZONE)
    last = day_of(UNTIL)
    for message in business.messages:
        assert message.occurred_at <= message.arrives_at <= calendar.end(last)
        assert last - 730 < calendar.day(message.occurred_at)


def test_a_key_is_one_persons_and_tells_nothing(business: Simulation) -> None:
    keys: dict[str, set[bytes]] = defaultdict(set)
    for history in simulate_histories(customers=50, seed=11, until=UNTIL):
        own = {message.key for message in history.messages}
        assert len(own) == 1
        keys[history.truth.subject] |= own
    assert len({key for own in keys.values() for key in own}) == 50
    for message in business.messages:
        assert len(message.key) == 16
        assert set(message.key) <= set(b"0123456789abcdef")
        assert message.key not in message.payload


def test_ids_are_unique_and_carry_their_time_where_the_scheme_says_so(
    good: list[SimulatedMessage],
) -> None:
    schemes = Counter[str]()
    payload_of: dict[tuple[str, str], bytes] = {}
    for message in good:
        event = read_structured(message.payload)
        assert payload_of.setdefault((event.source, event.id), message.payload) == message.payload
        milliseconds = message.occurred_at // 1_000
        name = event.source.rpartition(":")[2]
        schemes[name] += 1
        if name in {"till", "loyalty"}:
            plain = event.id.replace("-", "")
            assert (milliseconds, "7") == (int(plain[:12], 16), plain[12])
            assert plain[16] in "89ab"
        elif name == "webshop":
            alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
            lead = 0
            for letter in event.id[:10]:
                lead = lead * 32 + alphabet.index(letter)
            assert (26, milliseconds) == (len(event.id), lead)
    assert len(PROFILES) == len(schemes)


def test_times_stand_in_each_sources_own_zone(good: list[SimulatedMessage]) -> None:
    for message in good[:5_000]:
        event = read_structured(message.payload)
        zone = ZoneInfo(_PROFILE_OF[event.source].zone)
        assert event.time.astimezone(zone).utcoffset() == event.time.utcoffset()


def test_tenders_pay_what_is_due_and_taxes_are_contained(good: list[SimulatedMessage]) -> None:
    kinds = Counter[str]()
    for message in good:
        event = read_structured(message.payload)
        touchpoint = CATALOGUE.decode(event.type, event.data)
        if not isinstance(touchpoint, PurchaseMade):
            continue
        due = touchpoint.shipping + sum(line.amount for line in touchpoint.lines)
        assert due == sum(tender.amount for tender in touchpoint.tenders)
        assert all(0 <= line.tax < line.amount for line in touchpoint.lines)
        kinds.update(tender.kind for tender in touchpoint.tenders)
        kinds.update(line.kind for line in touchpoint.lines)
    assert {"card", "cash", "points", "gift_card", "goods", "stored_value"} == set(kinds)


def test_buyers_differ_more_than_one_common_rate_would_allow(business: Simulation) -> None:
    """With one rate for all, the number of purchases would be Poisson: variance = mean."""
    counts = [
        customer.sales.purchases
        for customer in business.truth.customers
        if customer.sales.purchases
    ]
    assert statistics.variance(counts) > 4 * statistics.mean(counts)
    assert 0.15 < 1 - len(counts) / CUSTOMERS < 0.4


def test_people_buy_before_christmas_and_on_saturdays_in_opening_hours(
    good: list[SimulatedMessage],
) -> None:
    months, weekdays, hours = Counter[int](), Counter[int](), Counter[int]()
    for message in good:
        if message.source == "urn:vinculo:demo:till" and message.delivery == "punctual":
            local = datetime.fromtimestamp(message.occurred_at / 1e6, UTC).astimezone(
                ZoneInfo(BUSINESS_ZONE)
            )
            months[local.month] += 1
            weekdays[local.weekday()] += 1
            hours[local.hour] += 1
    assert months[12] > 1.3 * months[8]
    assert weekdays[5] > 1.5 * weekdays[6]
    assert hours[19] > 20 * max(1, hours[3])
