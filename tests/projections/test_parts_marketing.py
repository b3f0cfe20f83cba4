import random
from typing import Any

import pytest

from domain.fact import Fact
from domain.instants import date_of, day_of, moment_of
from domain.touchpoints.marketing import (
    CampaignBounced,
    CampaignClicked,
    CampaignDelivered,
    CampaignOpened,
    CampaignResponded,
    CampaignSent,
    SpamReported,
    Unsubscribed,
)
from projections.customer.parts.marketing import PART
from tests.folding import CANONICAL, fact, fold, instant, shown

DAY_0 = day_of(moment_of(instant("2024-06-01")).date())


def on(day: int) -> str:
    """Return the date so many days after 2024-06-01."""
    return date_of(DAY_0 + day).isoformat()


def sent(day: int, campaign: str = "spring", channel: Any = "email") -> Fact:
    return fact(CampaignSent(campaign=campaign, channel=channel), on(day))


def test_each_channel_counts_what_was_sent_and_what_became_of_it() -> None:
    kinds = (
        CampaignSent,
        CampaignDelivered,
        CampaignOpened,
        CampaignClicked,
        CampaignResponded,
        CampaignBounced,
        Unsubscribed,
        SpamReported,
    )
    facts = [
        fact(kind(campaign="spring", channel="sms"), on(number + repetition))
        for number, kind in enumerate(kinds)
        for repetition in range(number + 1)
    ]
    document = shown(PART, [*reversed(facts), sent(0, channel=None)])

    sms, unknown = document["channels"]
    assert ("sms", "unknown") == (sms.pop("channel"), unknown["channel"])
    assert [
        {"count": number + 1, "last_at": f"{on(2 * number)}T12:00:00Z"} for number in range(8)
    ] == list(sms.values())
    assert {"count": 1, "last_at": "2024-06-01T12:00:00Z"} == unknown["sent"]
    assert {"count": 0, "last_at": None} == unknown["opened"]


def test_the_response_rate_is_two_integers_over_all_channels() -> None:
    facts = [sent(0), sent(1, channel="sms"), sent(2, "autumn"), sent(3, "autumn")]
    responded = fact(CampaignResponded(campaign="autumn"), on(3))
    document = shown(PART, [*facts, responded, responded])

    assert {"responded": 2, "sent": 4} == document["response_rate"]
    assert {
        "sent": 2,
        "sent_exact": True,
        "responded": 1,
        "responded_exact": True,
    } == document["campaigns"]


@pytest.mark.parametrize(
    ("today", "expected"), [(-1, 0), (0, 2), (29, 3), (30, 1), (58, 1), (59, 0), (9_999, 0)]
)
def test_pressure_counts_the_sends_of_the_last_30_days(today: int, expected: int) -> None:
    facts = [sent(0), sent(0)] if today < 1 else [sent(0), sent(0), sent(29)]

    assert expected == shown(PART, facts, on(today))["sends_last_30_days"]


def test_a_reading_a_day_behind_the_newest_send_is_exact() -> None:
    assert 2 == shown(PART, [sent(30), sent(0), sent(1)], on(29))["sends_last_30_days"]


def test_days_of_sends_are_those_of_the_business() -> None:
    # Half past midnight in Madrid: a day later than in UTC.
    late = fact(CampaignSent(campaign="c"), "2024-06-01T22:30:00+00:00")

    assert 1 == shown(PART, [late], on(30))["sends_last_30_days"]
    assert 0 == shown(PART, [late], on(31))["sends_last_30_days"]


def test_the_31_days_up_to_the_newest_send_are_kept_whatever_the_order() -> None:
    facts = [sent(day) for day in (0, 3, 31, 32, 32, 33, 62)]
    stored = set()
    for seed in range(100):
        random.Random(seed).shuffle(facts)
        stored.add(CANONICAL.encode(fold(PART, facts)))

    assert 1 == len(stored)
    assert bytearray([1, *[0] * 28, 1, 2]) == fold(PART, facts).sends.counts


def test_sends_long_ago_leave_no_trace_whatever_the_order() -> None:
    facts = [sent(day) for day in (0, 3, 3, 20, 90, 400) for _ in range(2)]
    stored = set()
    for seed in range(100):
        random.Random(seed).shuffle(facts)
        stored.add(CANONICAL.encode(fold(PART, facts)))

    assert 1 == len(stored)
    assert bytearray([2]) == fold(PART, facts).sends.counts


def test_of_many_sends_on_a_day_255_are_counted() -> None:
    facts = [sent(0) for _ in range(300)]

    assert 255 == shown(PART, facts, on(0))["sends_last_30_days"]
    assert 300 == shown(PART, facts, on(0))["response_rate"]["sent"]
