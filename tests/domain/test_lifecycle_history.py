"""What holds of the lifecycle of every party, whatever happened to it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.instants import MICROSECOND, date_of, moment_of
from domain.lifecycle.inputs import Inputs
from domain.lifecycle.judgement import Judgement, history, judge, stand
from domain.lifecycle.leap import rest
from domain.lifecycle.machine import Transition, refold
from domain.lifecycle.rules import NEVER, LifecycleRulebook, LifecycleRules, Timetable
from domain.lifecycle.stages import Stage
from domain.lifecycle.tail import Tail
from tests.domain.lifecycle_histories import (
    BOUGHT,
    CALENDAR,
    START,
    Told,
    at,
    entry,
    for_the_oracle,
    inputs_of,
    oracle_rules,
    rule_sets,
    rulebooks,
    stories,
    take,
)
from tests.oracle import lifecycle

ZONE = ZoneInfo("Europe/Madrid")
SEASON = START + 170
encode = msgspec.msgpack.Encoder(order="deterministic").encode
OWN_WORDS = {"no_purchase", "not_consolidated"}


def comparable(stage: Stage | lifecycle.Stage, reasons: Sequence[str]) -> set[str]:
    """Return the reasons in which the machine and the oracle must agree.

    The oracle gives none for prospects and newcomers, asks no rule once the party is closed, and
    names what is held only where nothing else is true.
    """
    if stage == Stage.CLOSED:
        return set()
    return {one for one in reasons if one not in OWN_WORDS and not one.startswith("held:")}


def told_by_the_machine(story: list[Told], rules: LifecycleRules) -> list[tuple[object, ...]]:
    book = LifecycleRulebook((rules,))
    inputs = inputs_of(story, book.timetable(CALENDAR))
    return [
        (moment_of(one.at), one.from_stage, one.to_stage, comparable(one.to_stage, one.reasons))
        for one in history(inputs, book, CALENDAR, CALENDAR.end(SEASON))
    ]


def told_by_the_oracle(story: list[Told], rules: LifecycleRules) -> list[tuple[object, ...]]:
    moves = lifecycle.moves(
        for_the_oracle(story, rules), date_of(SEASON), ZONE, oracle_rules(rules)
    )
    return [(one.at, one.before, one.after, comparable(one.after, one.reasons)) for one in moves]


@settings(max_examples=150, deadline=None)
@given(story=stories(), rules=rule_sets(falling=False))
def test_the_machine_tells_what_the_oracle_lives_through_day_by_day(
    story: list[Told], rules: LifecycleRules
) -> None:
    assert told_by_the_oracle(story, rules) == told_by_the_machine(story, rules)


class SeasonedRelationship(lifecycle.Relationship):
    """The oracle, but purchases fall only of those who were there for the whole window."""

    began = 0

    def _reopen(self, day: int) -> None:
        if self.closed and not self.final:
            self.began = day
        super()._reopen(day)

    def _purchases_falling(self, day: int) -> bool:
        if not super()._purchases_falling(day):
            return False
        began = max(self.began, self.purchase_days[0])
        return day - began >= (self.rules.falling_window_days or 0)


@settings(max_examples=150, deadline=None)
@given(story=stories(), rules=rule_sets())
def test_falling_purchases_are_judged_of_those_who_were_there_for_the_whole_window(
    story: list[Told], rules: LifecycleRules
) -> None:
    assume(rules.falling_on)
    with patch.object(lifecycle, "Relationship", SeasonedRelationship):
        expected = told_by_the_oracle(story, rules)

    assert expected == told_by_the_machine(story, rules)


class Kept(msgspec.Struct, array_like=True, gc=False):
    """What is stored of a party between two batches."""

    inputs: Inputs = msgspec.field(default_factory=Inputs)
    tail: Tail | None = None


def stored_after(batches: list[list[Told]], timetable: Timetable) -> bytes:
    """Return the bytes after these batches, stored and read again between them."""
    stored = encode(Kept())
    for batch in batches:
        kept = msgspec.msgpack.decode(stored, type=Kept)
        for told in batch:
            kept.tail = take(kept.inputs, kept.tail, told, timetable)
        if kept.tail is None:
            kept.tail = refold(kept.inputs, timetable)
        stored = encode(kept)
    return stored


def cut(told: list[Told], places: set[int]) -> list[list[Told]]:
    starts = [0, *sorted(place for place in places if 0 < place < len(told)), len(told)]
    return [told[start:end] for start, end in pairwise(starts)]


@settings(max_examples=150, deadline=None)
@given(story=stories(), book=rulebooks() | rulebooks(plain=True), data=st.data())
def test_any_order_and_any_batches_leave_the_same_inputs_and_the_same_tail(
    story: list[Told], book: LifecycleRulebook, data: st.DataObject
) -> None:
    timetable = book.timetable(CALENDAR)
    shuffled = data.draw(st.permutations(story))
    places = data.draw(st.sets(st.integers(0, 25), max_size=8))

    at_once = stored_after([story], timetable)
    assert at_once == stored_after(cut(shuffled, places), timetable)
    assert at_once == stored_after([[told] for told in story], timetable)


@settings(max_examples=300, deadline=None)
@given(story=stories(plain=True), book=rulebooks(plain=True))
def test_the_short_way_over_plain_purchases_leaves_the_tail_of_the_machine(
    story: list[Told], book: LifecycleRulebook
) -> None:
    timetable = book.timetable(CALENDAR)
    inputs = inputs_of(story, timetable)
    transitions: list[Transition] = []
    expected = refold(inputs, timetable, transitions)

    assert expected == refold(inputs, timetable)
    assert expected == last_tail(story, timetable)
    assert [one.to_stage for one in transitions[:-1]] == [one.from_stage for one in transitions[1:]]


def last_tail(story: list[Told], timetable: Timetable) -> Tail | None:
    """Return the tail of a party that was settled after everything that happened."""
    kept = Kept()
    for told in story:
        kept.tail = take(kept.inputs, kept.tail, told, timetable)
        kept.tail = kept.tail or refold(kept.inputs, timetable)
    return kept.tail


@settings(max_examples=300, deadline=None)
@given(story=stories(plain=True, size=6), book=rulebooks(plain=True), horizon=st.integers(0, 200))
def test_the_short_way_to_a_horizon_leads_where_the_machine_leads(
    story: list[Told], book: LifecycleRulebook, horizon: int
) -> None:
    timetable = book.timetable(CALENDAR)
    inputs = inputs_of(story, timetable)
    midnight = CALENDAR.start(START + horizon)
    short = rest(refold(inputs, timetable), midnight, timetable)
    assume(short is not None)
    judgement = judge(inputs, timetable, midnight)

    assert judgement is not None
    assert short is not None
    assert (judgement.stage, judgement.since, judgement.at_risk) == short[:3]
    assert judgement.next_due == (short.due if short.due < NEVER else None)


def visible(judgement: Judgement) -> Judgement:
    return msgspec.structs.replace(judgement, transitions=(), next_due=None)


@settings(max_examples=150, deadline=None)
@given(story=stories(), book=rulebooks(), horizon=st.integers(0, 200))
def test_nothing_changes_before_the_next_due_instant_and_something_changes_at_it(
    story: list[Told], book: LifecycleRulebook, horizon: int
) -> None:
    timetable = book.timetable(CALENDAR)
    inputs = inputs_of(story, timetable)
    now = judge(inputs, timetable, at(horizon))
    assert now is not None
    due = now.next_due if now.next_due is not None else at(5_000)

    before = judge(inputs, timetable, due - MICROSECOND)
    then = judge(inputs, timetable, due)
    assert before is not None
    assert then is not None
    assert (visible(now), now.next_due) == (visible(before), before.next_due)
    assert (now.next_due is None) is (visible(then) == visible(now))


@settings(max_examples=80, deadline=None)
@given(story=stories(), book=rulebooks(), horizon=st.integers(0, 200))
def test_a_party_stands_where_its_history_ends(
    story: list[Told], book: LifecycleRulebook, horizon: int
) -> None:
    timetable = book.timetable(CALENDAR)
    inputs = inputs_of(story, timetable)
    tail = refold(inputs, timetable)
    stored = encode(tail)
    whole = judge(inputs, timetable, at(horizon))

    assert whole is not None
    last = whole.transitions[-1]
    assert (last.to_stage, last.at, last.cause, last.timer) == (
        whole.stage,
        whole.since,
        whole.cause,
        whole.timer,
    )
    assert msgspec.structs.replace(whole, transitions=()) == stand(
        inputs, tail, timetable, at(horizon)
    )
    assert stored == encode(tail)
    assert all(one.at <= max(at(horizon), tail.at) for one in whole.transitions)


@settings(max_examples=80, deadline=None)
@given(
    story=stories(), book=rulebooks(), horizons=st.tuples(st.integers(0, 200), st.integers(0, 200))
)
def test_a_longer_horizon_only_adds_transitions(
    story: list[Told], book: LifecycleRulebook, horizons: tuple[int, int]
) -> None:
    inputs = inputs_of(story, book.timetable(CALENDAR))
    shorter, longer = (history(inputs, book, CALENDAR, at(day)) for day in sorted(horizons))

    assert shorter == longer[: len(shorter)]


@settings(max_examples=80, deadline=None)
@given(story=stories(), book=rulebooks())
def test_every_cause_is_a_touchpoint_not_later_than_what_it_caused(
    story: list[Told], book: LifecycleRulebook
) -> None:
    inputs = inputs_of(story, book.timetable(CALENDAR))
    instants = {told.entry_id: told.at for told in story}

    for transition in history(inputs, book, CALENDAR, at(300)):
        assert instants[transition.cause] <= transition.at
        assert (transition.timer == "") is (instants[transition.cause] == transition.at)


@given(story=stories())
def test_equal_instants_are_told_apart_by_what_happened_never_by_an_id(story: list[Told]) -> None:
    book = LifecycleRulebook()
    renamed = [replace(one, entry_id=entry(1_000 - index)) for index, one in enumerate(story)]

    assert stages_of(story, book) == stages_of(renamed, book)


def stages_of(story: list[Told], book: LifecycleRulebook) -> list[tuple[int, Stage]]:
    inputs = inputs_of(story, book.timetable(CALENDAR))
    return [(one.at, one.to_stage) for one in history(inputs, book, CALENDAR, at(400))]


def test_a_party_of_which_nothing_is_known_has_no_lifecycle() -> None:
    assert judge(Inputs(), LifecycleRulebook().timetable(CALENDAR), at(0)) is None
    assert () == history(Inputs(), LifecycleRulebook(), CALENDAR, at(0))


def test_of_purchases_at_one_instant_the_least_entry_id_is_kept() -> None:
    timetable = LifecycleRulebook().timetable(CALENDAR)
    stories = ([3, 2, 5], [2, 3, 5], [5, 3, 2])
    told = [[Told(at(0), BOUGHT, entry(number)) for number in numbers] for numbers in stories]

    for story in told:
        judgement = judge(inputs_of(story, timetable), timetable, at(1))
        assert judgement is not None
        assert entry(2) == judgement.cause
