"""The figures of each customer, added up from facts that the readers of the data sets yield."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from tests.oracle.calendar import business_day
from tests.oracle.history import Happening, Purchased, Seen
from tests.oracle.lifecycle import DEFAULTS, Rules, Stage, stages

FactKind: TypeAlias = Literal[
    "PurchaseMade", "PurchaseReturned", "CampaignSent", "CampaignResponded", "DemographicsRecorded"
]


@dataclass(frozen=True, slots=True)
class Fact:
    """One touchpoint as the data state it; amounts in minor units, `at` None where undated."""

    subject: str
    kind: FactKind
    at: datetime | None
    amount: int = 0
    discount: int = 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that becomes part of no touchpoint: file, number of the row from 1, key, reason."""

    file: str
    row: int
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of one subject; money in minor units of `currency`, days of business."""

    subject: str
    currency: str
    purchases: int
    gross: int
    discount: int
    returns: int
    returned: int
    campaigns: int
    responses: int
    first_purchase_on: date | None
    last_purchase_on: date | None
    known_from: datetime | None
    purchase_instants: tuple[datetime, ...]

    @property
    def net(self) -> int:
        """Purchases less returns."""
        return self.gross - self.returned

    @property
    def anonymous(self) -> bool:
        """A sale without a known customer: counts in totals, in no stage."""
        return self.subject.startswith("receipt:")

    def history(self) -> list[Happening]:
        """What the lifecycle has to know of this subject."""
        known: list[Happening] = [] if self.known_from is None else [Seen(self.known_from)]
        return known + [Purchased(at) for at in self.purchase_instants]


@dataclass(frozen=True, slots=True)
class Recomputation:
    """A data set as it has to come out: figures by subject, touchpoints by kind, left-outs."""

    currency: str
    zone: ZoneInfo
    figures: Mapping[str, Figures]
    touchpoints: Mapping[str, int]
    left_out: Sequence[LeftOut]

    def left_out_by_reason(self) -> Mapping[str, int]:
        """How many rows were left out, by reason."""
        return Counter(row.reason for row in self.left_out)

    def stages(
        self, days: Sequence[date], rules: Rules = DEFAULTS
    ) -> dict[str, dict[date, Stage | None]]:
        """The stage of every customer as of each of `days`, by subject; receipts have none."""
        return {
            subject: stages(figures.history(), days, self.zone, rules)
            for subject, figures in self.figures.items()
            if not figures.anonymous
        }


def recompute(
    facts: Iterable[Fact], left_out: Sequence[LeftOut], currency: str, zone: ZoneInfo
) -> Recomputation:
    """Add up the facts of every subject."""
    by_subject = defaultdict[str, list[Fact]](list)
    for fact in facts:
        by_subject[fact.subject].append(fact)
    return Recomputation(
        currency=currency,
        zone=zone,
        figures={
            subject: _figures(subject, own, currency, zone) for subject, own in by_subject.items()
        },
        touchpoints=Counter(fact.kind for own in by_subject.values() for fact in own),
        left_out=left_out,
    )


def _figures(subject: str, facts: list[Fact], currency: str, zone: ZoneInfo) -> Figures:
    bought = [fact for fact in facts if fact.kind == "PurchaseMade"]
    returned = [fact for fact in facts if fact.kind == "PurchaseReturned"]
    instants = sorted(fact.at for fact in bought if fact.at is not None)
    days = [business_day(instant, zone) for instant in instants]
    return Figures(
        subject=subject,
        currency=currency,
        purchases=len(bought),
        gross=sum(fact.amount for fact in bought),
        discount=sum(fact.discount for fact in bought),
        returns=len(returned),
        returned=sum(fact.amount for fact in returned),
        campaigns=sum(1 for fact in facts if fact.kind == "CampaignSent"),
        responses=sum(1 for fact in facts if fact.kind == "CampaignResponded"),
        first_purchase_on=min(days, default=None),
        last_purchase_on=max(days, default=None),
        known_from=min((fact.at for fact in facts if fact.at is not None), default=None),
        purchase_instants=tuple(instants),
    )
