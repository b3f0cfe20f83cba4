"""Decisions to bytes and back, and the pure aggregates behind them."""

from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import (
    CLOCK_ID,
    Clock,
    Decision,
    Recorded,
    StreamBrokenError,
    TimeAdvanced,
    TimeWentBackError,
    advance,
    clock_at,
    evolve,
    project_clock,
    record,
)
from domain.decisions.catalogue import DECISIONS, DecisionCatalogue, every_decision
from domain.decisions.clock import INSTANT_MAX
from domain.errors import VinculoError
from journal.decisions.mapper import DecisionMapper, UnreadableDecisionError

INSTANTS = st.integers(0, INSTANT_MAX)


class PriceSet(Decision, frozen=True, kw_only=True):
    """An old version: an amount in whole units."""

    topic: ClassVar[str] = "test.price_set.v1"
    units: int


class PriceSetTwo(Decision, frozen=True, kw_only=True):
    """The next one: in hundredths."""

    topic: ClassVar[str] = "test.price_set.v2"
    cents: int


class PriceSetThree(Decision, frozen=True, kw_only=True):
    """The newest one: with a currency."""

    topic: ClassVar[str] = "test.price_set.v3"
    cents: int
    currency: str


@given(stream=st.uuids(), version=st.integers(1, 2**31 - 1), to=INSTANTS)
def test_what_was_stored_is_read_back(stream: UUID, version: int, to: int) -> None:
    mapper = DecisionMapper()
    event = Recorded(stream, version, TimeAdvanced(to=to))
    assert event == mapper.to_domain_event(mapper.to_stored_event(event))


def test_stored_bytes_and_topics_never_change() -> None:
    """Golden: what is in logs today must be read for ever."""
    stored = DecisionMapper().to_stored_event(
        Recorded(CLOCK_ID, 3, TimeAdvanced(to=1_770_000_000_000_000))
    )
    expected = StoredEvent(
        UUID("b8c887bc-4996-58c6-93c3-3427855c43eb"),
        3,
        "vinculo.time_advanced.v1",
        b'{"to":1770000000000000}',
    )
    assert expected == stored


def test_an_old_version_is_read_as_the_newest() -> None:
    catalogue = DecisionCatalogue(
        (PriceSet, PriceSetTwo, PriceSetThree),
        {
            PriceSet: lambda old: PriceSetTwo(cents=old.units * 100),
            PriceSetTwo: lambda old: PriceSetThree(cents=old.cents, currency="EUR"),
        },
    )
    mapper = DecisionMapper(catalogue=catalogue)
    stream = uuid4()
    for topic, state in (
        ("test.price_set.v1", b'{"units":7}'),
        ("test.price_set.v2", b'{"cents":700}'),
        ("test.price_set.v3", b'{"cents":700,"currency":"EUR"}'),
    ):
        read = mapper.to_domain_event(StoredEvent(stream, 1, topic, state))
        assert Recorded(stream, 1, PriceSetThree(cents=700, currency="EUR")) == read


def test_two_decisions_may_not_share_a_topic() -> None:
    with pytest.raises(VinculoError, match="2 decisions"):
        DecisionCatalogue((PriceSet, PriceSet))


@pytest.mark.parametrize(
    ("topic", "state", "said"),
    [
        ("vinculo.time_advanced.v9", b'{"to":1}', "newer version"),
        ("eventsourcing.domain:Aggregate.Event", b"{}", "newer version"),
        ("vinculo.time_advanced.v1", b'{"to":1,"by":"me"}', "by"),
        ("vinculo.time_advanced.v1", b'{"to":"1"}', "int"),
        ("vinculo.time_advanced.v1", b'{"to":-1}', "int"),
        ("vinculo.time_advanced.v1", b"{}", "to"),
        ("vinculo.time_advanced.v1", b"\xff", "damaged"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_reason(
    topic: str, state: bytes, said: str
) -> None:
    with pytest.raises(UnreadableDecisionError, match=said) as caught:
        DecisionMapper().to_domain_event(StoredEvent(uuid4(), 1, topic, state))
    assert isinstance(caught.value, MapperDeserialisationError)
    assert isinstance(caught.value, VinculoError)


def test_only_decisions_in_their_stream_are_stored() -> None:
    class Foreign:
        originator_id = uuid4()
        originator_version = 1

    with pytest.raises(TypeError, match="Recorded"):
        DecisionMapper().to_stored_event(Foreign())


def test_types_satisfy_the_librarys_protocols() -> None:
    assert isinstance(Recorded(CLOCK_ID, 1, TimeAdvanced(to=1)), DomainEventProtocol)
    assert issubclass(DecisionMapper, Mapper)


def test_every_decision_has_a_short_topic_that_says_its_version() -> None:
    assert set(DECISIONS.types.values()) == set(every_decision())
    for topic in DECISIONS.types:
        prefix, _, version = topic.split(".")
        assert ("vinculo", True) == (prefix, version[0] == "v" and version[1:].isdecimal())


@given(st.lists(INSTANTS, max_size=20))
def test_the_clock_never_goes_back_and_its_last_event_says_all(instants: list[int]) -> None:
    events: list[Recorded[TimeAdvanced]] = []
    clock = Clock()
    for to in instants:
        try:
            decided = record(clock, advance(clock, to))
        except TimeWentBackError:
            assert clock.time is not None
            assert to < clock.time
            continue
        assert bool(decided) == (to != clock.time)
        events += decided
        clock = project_clock(clock, decided) or clock
        assert clock.time == to
    latest = events[-1] if events else None
    assert clock == clock_at(latest)
    assert clock == (project_clock(None, events) or Clock())
    assert [one.originator_version for one in events] == list(range(1, len(events) + 1))


@pytest.mark.parametrize("to", [-1, INSTANT_MAX + 1, 2**70])
def test_a_time_that_no_calendar_knows_is_refused(to: int) -> None:
    with pytest.raises(TimeWentBackError, match="never goes back"):
        advance(Clock(), to)


def test_a_stream_with_a_gap_or_of_another_aggregate_is_refused() -> None:
    tick = TimeAdvanced(to=5)
    for broken in (
        [Recorded(CLOCK_ID, 2, tick)],
        [Recorded(CLOCK_ID, 1, tick), Recorded(CLOCK_ID, 1, TimeAdvanced(to=6))],
        [Recorded(uuid4(), 1, tick)],
    ):
        with pytest.raises(StreamBrokenError, match="expected version"):
            project_clock(None, broken)


def test_a_log_in_which_time_goes_back_is_refused() -> None:
    with pytest.raises(TimeWentBackError, match="damaged"):
        evolve(Clock(version=1, time=5), TimeAdvanced(to=5))


def test_nothing_projects_to_nothing() -> None:
    assert project_clock(None, []) is None
