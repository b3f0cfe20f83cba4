"""The truth that the simulator keeps equals a plain recount of the messages it sends."""

from collections import Counter, defaultdict
from datetime import date, datetime
from typing import Any

import msgspec
import pytest

from vinculo.simulator import SalesTotals, Simulation, simulate

Event = dict[str, Any]
Totals = dict[str, int]


class Recount:
    """Reads every message once more, with nothing but JSON, dictionaries and sets."""

    def __init__(self, business: Simulation) -> None:
        self.events: dict[tuple[str, str], Event] = {}
        for message in business.messages:
            if message.defect is None:
                event = msgspec.json.decode(message.payload)
                self.events.setdefault((event["source"], event["id"]), event)
        self.by_type = Counter(event["type"] for event in self.events.values())
        self._mend()
        self.leader: dict[str, str] = {}
        self._link()
        self.sums: dict[str, Totals] = defaultdict(lambda: defaultdict(int))
        for event in self.events.values():
            self._count(event)

    def of(self, identifier: str) -> Totals:
        return self.sums[self.find(identifier)]

    def cluster(self, identifier: str) -> set[str]:
        leader = self.find(identifier)
        return {one for one in list(self.leader) if self.find(one) == leader}

    def find(self, identifier: str) -> str:
        self.leader.setdefault(identifier, identifier)
        while self.leader[identifier] != identifier:
            identifier = self.leader[identifier]
        return identifier

    def _mend(self) -> None:
        kinds = ("vinculo.touchpoint_voided.v1", "vinculo.touchpoint_corrected.v1")
        for kind in kinds:
            for event in [one for one in self.events.values() if one["type"] == kind]:
                reference = event["data"]["reference"]
                meant = self.events.get((reference["source"], reference["id"]))
                assert meant is not None or kind == kinds[1]
                if kind == kinds[0]:
                    del self.events[reference["source"], reference["id"]]
                elif meant is not None:
                    meant["data"].update(event["data"].get("fields", {}))
                    meant["subject"] = event["data"].get("subject", meant["subject"])

    def _link(self) -> None:
        explicit: dict[tuple[str, str], tuple[datetime, bool]] = {}
        implied: set[tuple[str, str]] = set()
        for event in self.events.values():
            self.find(event["subject"])
            for other in event["data"].get("identifiers", ()):
                pair = (min(event["subject"], other), max(event["subject"], other))
                if event["type"].startswith("vinculo.identifier_"):
                    said = datetime.fromisoformat(event["time"]), "unlinked" not in event["type"]
                    explicit[pair] = max(explicit.get(pair, said), said)
                elif other != "cookie:unknown":
                    implied.add(pair)
        holding = {pair for pair, (_, linked) in explicit.items() if linked}
        for left, right in holding | (implied - set(explicit)):
            self.leader[self.find(left)] = self.find(right)

    def _count(self, event: Event) -> None:
        totals, data = self.of(event["subject"]), event["data"]
        match event["type"].split(".")[1]:
            case "purchase_made":
                _count_purchase(totals, data)
                at = datetime.fromisoformat(event["time"]).timestamp() * 1e6
                totals["last_at"] = max(totals["last_at"], round(at))
            case "purchase_returned":
                totals["returns"] += 1
                totals["returned"] += sum(line["amount"] for line in data["lines"])
            case "cost_to_serve_recorded":
                totals["cost_to_serve"] += data["amount"]
            case "survey_answered":
                totals[data["survey"]] += data["score"]
            case "incident_opened" | "incident_reopened":
                totals["incidents_open"] += 1
            case "incident_resolved":
                totals["incidents_open"] -= 1
            case "points_earned" | "points_redeemed" | "points_expired" | "points_adjusted" as kind:
                totals[kind] += data["points"]
            case _:
                pass


def _count_purchase(totals: Totals, data: dict[str, Any]) -> None:
    totals["purchases"] += 1
    totals["shipping"] += data.get("shipping", 0)
    totals["gross"] += data.get("shipping", 0) + sum(line["amount"] for line in data["lines"])
    for line in data["lines"]:
        totals["tax"] += line.get("tax", 0)
        totals["discount"] += line.get("discount", 0)
        totals["cost"] += line.get("cost", 0)
        if line.get("kind") == "stored_value":
            totals["stored_value"] += line["amount"]
    for kind, amount in ((tender["kind"], tender["amount"]) for tender in data["tenders"]):
        totals[f"{kind}_tender"] += amount


@pytest.fixture(scope="module")
def business() -> Simulation:
    return simulate(customers=800, seed=23, until=date(2023, 10, 31))


@pytest.fixture(scope="module")
def recount(business: Simulation) -> Recount:
    return Recount(business)


def test_each_touchpoint_told_is_one_message_to_store(
    business: Simulation, recount: Recount
) -> None:
    assert business.truth.touchpoints() == recount.by_type
    outcomes = Counter(message.outcome for message in business.messages)
    assert sum(recount.by_type.values()) == outcomes["stored"]


_SALES = (
    "purchases", "gross", "shipping", "tax", "discount", "cost", "stored_value", "points_tender",
    "gift_card_tender", "returns", "returned",
)  # fmt: skip
_OTHERS = (
    "cost_to_serve", "incidents_open", "points_earned", "points_redeemed", "points_expired",
    "points_adjusted",
)  # fmt: skip


def test_every_customers_totals_equal_a_recount(business: Simulation, recount: Recount) -> None:
    for customer in business.truth.customers:
        found = recount.of(customer.subject)
        expected = {name: getattr(customer.sales, name) for name in _SALES}
        expected |= {name: getattr(customer, name) for name in _OTHERS}
        expected |= {survey: customer.survey_scores.get(survey, 0) for survey in ("nps", "csat")}
        assert expected == {name: found[name] for name in expected}
        assert (customer.sales.last_at or 0) == found["last_at"]


def test_every_customers_identifiers_are_those_that_links_tie_together(
    business: Simulation, recount: Recount
) -> None:
    known = set(recount.leader)
    for customer in business.truth.customers:
        expected = {one for one in customer.identifiers if one in known}
        assert expected == recount.cluster(customer.subject)


def test_receipts_that_nobody_claimed_stay_nobodys(business: Simulation, recount: Recount) -> None:
    expected, found = Counter[str](), Counter[str]()
    for customer in business.truth.customers:
        expected.update({name: getattr(customer.unclaimed, name) for name in _SALES})
    for leader, totals in recount.sums.items():
        if leader.startswith("receipt:") and recount.cluster(leader) == {leader}:
            found.update({name: totals[name] for name in _SALES})
    assert expected == found
    assert found["purchases"] > 100


def test_points_are_never_overdrawn(business: Simulation) -> None:
    balances = [customer.points_balance for customer in business.truth.customers]
    assert min(balances) >= 0
    assert max(balances) > 0


def test_errors_of_every_kind_are_mended(business: Simulation) -> None:
    """Wrong card, wrong amount, rung up twice, corrected in error, wrong link, claimed receipt."""
    found = Counter[str]()
    for message in business.messages:
        if message.outcome == "stored":
            data = msgspec.json.decode(message.payload)["data"]
            found[str(data.get("reason"))] += 1
    reasons = {
        "wrong card scanned", "wrong amount", "rung up twice", "corrected in error",
        "linked by mistake", "receipt shown",
    }  # fmt: skip
    assert set() == {reason for reason in reasons if found[reason] == 0}
    assert found["price query"] == found["corrected in error"]
    assert found["same name"] == found["linked by mistake"]


def test_someone_without_purchases_has_empty_totals(business: Simulation) -> None:
    leads = [one for one in business.truth.customers if one.subject.startswith("email:")]
    assert leads
    assert all(SalesTotals() == lead.sales for lead in leads)
