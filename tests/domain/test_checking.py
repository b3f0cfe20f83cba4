"""Checks beyond one field: applied at intake, each refusal names its field."""

import msgspec
import pytest

from domain.errors import Refused
from domain.touchpoints import (
    IdentifierLinked,
    IdentifierUnlinked,
    Line,
    PurchaseMade,
    PurchaseReturned,
    SurveyAnswered,
    Tender,
    Touchpoint,
    Unsubscribed,
)
from domain.touchpoints.checking import RECEIPT_MAX, check

Receipt = type[PurchaseMade] | type[PurchaseReturned]
LINE = Line(product="p", quantity=1_000, amount=1)
# Receipts of few lines are not summed, for none of their amounts can be so large.
MORE = (Line(product="p", quantity=1_000, amount=0),) * 30
PARTS = ("amount", "discount", "tax", "cost")


def receipt(kind: Receipt, line: Line, *, shipping: int = 0, tender: int | None = None) -> None:
    """Check a receipt of one line that counts, and many more."""
    tenders = () if tender is None else (Tender(kind="cash", amount=tender),)
    check(kind(number="1", currency="EUR", lines=(line, *MORE), shipping=shipping, tenders=tenders))


def refused(touchpoint: Touchpoint) -> str:
    """The detail of a refusal."""
    with pytest.raises(Refused) as caught:
        check(touchpoint)
    assert "bad_data" == caught.value.code
    return caught.value.detail


@pytest.mark.parametrize("kind", [PurchaseMade, PurchaseReturned])
@pytest.mark.parametrize("part", PARTS)
def test_a_receipt_may_come_to_its_limit_and_not_beyond_in_any_part_of_a_line(
    kind: Receipt, part: str
) -> None:
    rest = 0 if part == "amount" else 1
    receipt(kind, msgspec.structs.replace(LINE, **{part: RECEIPT_MAX - rest}))
    with pytest.raises(Refused, match=f"lines: expected .*{RECEIPT_MAX}.*{RECEIPT_MAX + 1}"):
        receipt(kind, msgspec.structs.replace(LINE, **{part: RECEIPT_MAX - rest + 1}))


@pytest.mark.parametrize("kind", [PurchaseMade, PurchaseReturned])
def test_shipping_and_tenders_count_towards_the_limit_of_a_receipt(kind: Receipt) -> None:
    receipt(kind, LINE, shipping=RECEIPT_MAX - 1)
    receipt(kind, LINE, tender=RECEIPT_MAX - 1)
    with pytest.raises(Refused, match="bad_data"):
        receipt(kind, LINE, shipping=RECEIPT_MAX)
    with pytest.raises(Refused, match="bad_data"):
        receipt(kind, LINE, tender=RECEIPT_MAX)


def test_lines_are_summed_before_they_are_judged() -> None:
    half = msgspec.structs.replace(LINE, amount=RECEIPT_MAX // 2 + 1)
    assert "lines" in refused(PurchaseMade(number="1", currency="EUR", lines=(half, half, *MORE)))


def test_nine_thousand_receipts_at_the_limit_fit_into_64_bits() -> None:
    assert RECEIPT_MAX * 9_000 < 2**63


@pytest.mark.parametrize(
    ("survey", "least", "most"), [("nps", 0, 10), ("csat", 1, 5), ("ces", 1, 7)]
)
def test_a_survey_takes_the_scores_of_its_own_scale(survey: str, least: int, most: int) -> None:
    for score in range(-1, 12):
        answer = SurveyAnswered(survey=survey, score=score)  # type: ignore[arg-type]
        if least <= score <= most:
            check(answer)
        else:
            assert f"score: expected {least} to {most} for {survey}" in refused(answer)


@pytest.mark.parametrize("kind", [IdentifierLinked, IdentifierUnlinked])
def test_a_link_names_at_least_one_other_identifier(
    kind: type[IdentifierLinked] | type[IdentifierUnlinked],
) -> None:
    check(kind(identifiers=("crm:1",)))
    assert refused(kind()).startswith("identifiers: ")


def test_a_touchpoint_without_a_check_of_its_own_passes() -> None:
    check(Unsubscribed())
