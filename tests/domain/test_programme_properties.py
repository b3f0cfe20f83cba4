"""Properties of judging, over random rules, receipts and standings."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ledger.terms import Standing
from domain.programmes.compiling import caps_of, compile_version
from domain.programmes.earn_rules import PerAmount
from domain.programmes.format import ProgrammeVersion, decode_version, encode_version
from domain.programmes.judging import Award, Occasion, cap_keys, explain, judge
from domain.programmes.measures import measure_of
from domain.programmes.occasion import weekday_of
from domain.programmes.periods import cap_periods
from domain.programmes.rounding import rounded
from domain.touchpoints import PurchaseMade
from tests.domain.programme_cases import (
    MADRID,
    bought,
    compiled,
    line,
    occasions,
    purchases,
    rule,
    standings,
    versions,
)

START = 20_513  # 1 March 2026


def total(awards: tuple[Award, ...]) -> int:
    return sum(share.points for award in awards for share in award.shares)


def by_rule(awards: tuple[Award, ...]) -> dict[str, int]:
    return {share.rule: share.points for award in awards for share in award.shares}


def less(receipt: PurchaseMade, kept: list[int]) -> PurchaseMade:
    """A receipt of which only percentages of the lines are left, tenders given back alike."""
    lines = tuple(
        msgspec.structs.replace(
            one,
            amount=one.amount * share // 100,
            tax=one.tax * share // 100,
            quantity=one.quantity * share // 100,
        )
        for one, share in zip(receipt.lines, kept, strict=False)
    )
    return msgspec.structs.replace(receipt, lines=lines)


@given(versions(), occasions, standings)
def test_the_same_question_has_the_same_answer_whatever_was_asked_between(
    version: ProgrammeVersion, occasion: Occasion, standing: Standing
) -> None:
    one = compile_version(version, MADRID)
    first = judge(one, occasion, standing)
    explain(one, occasion, standing)
    judge(one, msgspec.structs.replace(occasion, day=occasion.day + 40), Standing())
    assert first == judge(one, occasion, standing)
    other = compile_version(decode_version(encode_version(version)), MADRID)
    assert first == judge(other, occasion, standing)


@given(versions(), occasions, standings)
def test_an_explanation_gives_exactly_what_judging_gives(
    version: ProgrammeVersion, occasion: Occasion, standing: Standing
) -> None:
    one = compile_version(version, MADRID)
    answers = explain(one, occasion, standing)
    awards = judge(one, occasion, standing)
    assert [rule.code for rule in version.rules] == [answer.rule for answer in answers]
    assert by_rule(awards) == {answer.rule: answer.points for answer in answers if answer.fired}
    for answer in answers:
        assert answer.fired == (answer.points > 0)
        assert answer.fired == (answer.code in {"fired", "capped"})
        assert answer.sentence.startswith(f"{answer.rule}: ")


@given(versions(), st.lists(st.tuples(purchases, st.integers(0, 40)), max_size=25), standings)
def test_no_cap_is_ever_exceeded(
    version: ProgrammeVersion, bought_on: list[tuple[PurchaseMade, int]], standing: Standing
) -> None:
    one = compile_version(version, MADRID)
    limits = {
        (cap.code, cap.period): cap.points
        for rule_ in version.rules
        for cap in caps_of(version, rule_)
    }
    used: dict[str, int] = {}
    for receipt, later in bought_on:
        day = START + later
        occasion = Occasion(receipt, day * 86_400_000_000, day, weekday_of(day), "till")
        now = Standing(standing.tier, standing.first, dict(used))
        once: dict[str, int] = {}
        for award in judge(one, occasion, now):
            for share in award.shares:
                assert set(share.caps) <= set(cap_keys(one, occasion))
                for key in share.caps:
                    used[key] = used.get(key, 0) + share.points
                rule_ = next(rule_ for rule_ in version.rules if rule_.code == share.rule)
                drawn_on = caps_of(version, rule_)
                for code in {cap.code for cap in drawn_on}:
                    once[code] = once.get(code, 0) + share.points
                for cap in drawn_on:
                    if cap.period != "touchpoint":
                        assert cap.code + cap_periods(day)[cap.period] in share.caps
        for code, given_ in once.items():
            assert given_ <= limits.get((code, "touchpoint"), given_)
    for key, given_ in used.items():
        code, period, _ = key.split("|")
        assert given_ <= limits[code, period]


@given(versions(), occasions, standings)
def test_a_cap_takes_away_and_never_gives(
    version: ProgrammeVersion, occasion: Occasion, standing: Standing
) -> None:
    free = msgspec.structs.replace(
        version,
        caps=(),
        rules=tuple(msgspec.structs.replace(one, caps=()) for one in version.rules),
    )
    most = by_rule(judge(compile_version(free, MADRID), occasion, standing))
    for code, points in by_rule(
        judge(compile_version(version, MADRID), occasion, standing)
    ).items():
        assert 0 < points <= most[code]


@given(
    versions(), purchases, standings,
    st.lists(st.lists(st.integers(0, 100), min_size=4, max_size=4), max_size=5),
)  # fmt: skip
def test_returns_in_parts_come_to_what_one_return_comes_to(
    version: ProgrammeVersion, receipt: PurchaseMade, standing: Standing, parts: list[list[int]]
) -> None:
    one = compile_version(version, MADRID)
    occasion = Occasion(receipt, START * 86_400_000_000, START, weekday_of(START), "till")
    booked = {"all": total(judge(one, occasion, standing))}
    kept = [100] * 4
    for part in parts:
        kept = [min(kept) for kept in zip(kept, part, strict=True)]
        rest = msgspec.structs.replace(occasion, touchpoint=less(receipt, kept))
        booked["back"] = booked.get("back", 0) + (
            booked["all"] - booked.get("back", 0) - total(judge(one, rest, standing))
        )
    at_once = msgspec.structs.replace(occasion, touchpoint=less(receipt, kept))
    if parts:
        assert booked["all"] - total(judge(one, at_once, standing)) == booked["back"]
    nothing = msgspec.structs.replace(occasion, touchpoint=less(receipt, [0] * 4))
    assert () == judge(one, nothing, standing)


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=4), st.data())
def test_a_base_rule_never_gives_more_for_less(amounts: list[int], data: st.DataObject) -> None:
    one = compiled(rule())
    kept = [data.draw(st.integers(0, amount)) for amount in amounts]
    day = Occasion(bought(*map(line, amounts)), 0, START, 7, "till")
    rest = msgspec.structs.replace(day, touchpoint=bought(*map(line, kept)))
    assert total(judge(one, rest, Standing())) <= total(judge(one, day, Standing()))


@settings(max_examples=20, deadline=None)
@given(versions(), purchases)
def test_a_thousand_purchases_given_back_leave_nothing_behind(
    version: ProgrammeVersion, receipt: PurchaseMade
) -> None:
    one = compile_version(version, MADRID)
    balance = 0
    whole = [100] * 4
    for turn in range(1_000):
        day = START + turn // 50
        occasion = Occasion(receipt, 0, day, weekday_of(day), "till")
        standing = Standing(tier="silver", first=turn == 0)
        booked = 0
        for kept in (whole, [turn % 100] * 4, [0] * 4):
            rest = msgspec.structs.replace(occasion, touchpoint=less(receipt, kept))
            awards = judge(one, rest, standing)
            balance += total(awards) - booked
            booked = total(awards)
        assert 0 == balance


@given(st.integers(0, 10**20), st.integers(1, 10**9))
def test_rounding_is_within_one_and_a_half_goes_up(above: int, below: int) -> None:
    down, near, up = (rounded(above, below, one) for one in ("down", "half_up", "up"))
    assert down <= near <= up <= down + 1
    assert (up == down) == (above % below == 0)
    assert (near == up) == (above % below == 0 or 2 * (above % below) >= below)


@given(purchases, st.sampled_from([(), ("points",), ("points", "gift_card", "card")]))
def test_what_counts_is_a_part_of_what_is_due(
    receipt: PurchaseMade, excepted: tuple[str, ...]
) -> None:
    earn = PerAmount(points=1, per=1, currency="EUR", shipping=True, tenders_except=excepted)  # type: ignore[arg-type]
    number, whole = measure_of(rule(earn=earn), PurchaseMade)(receipt)
    due = receipt.shipping + sum(one.amount for one in receipt.lines)
    excluded = sum(one.amount for one in receipt.tenders if one.kind in excepted)
    assert 0 <= number
    assert 1 <= whole
    assert number <= max(0, due - excluded) * whole
