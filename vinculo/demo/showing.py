"""What the demo shows once everything runs: totals, accounts, three customers, a tour."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from api.keys import create_key, list_keys, revoke_key
from projections.customer.fold import Fold
from projections.lags import ProjectionLag
from vinculo.composition import Composition
from vinculo.demo import tour
from vinculo.demo.choosing import choose, stages
from vinculo.demo.telling import Document, Telling
from vinculo.demo.tour import Stop, Tour
from vinculo.reconciling import reconcile

HOLDER = "the demo on this machine"
_SCOPES = ("read", "read_personal", "publish", "operate")


@contextmanager
def demo_key(made: Composition) -> Iterator[str]:
    """Yield the token of a key that lives as long as the block; one of an earlier run ends."""
    tenant = made.settings.tenant
    with psycopg.connect(made.conninfo, autocommit=True) as connection:
        for old in list_keys(connection, tenant):
            if old.holder == HOLDER and old.revoked_at is None:
                revoke_key(connection, tenant, old.key_id)
        key = create_key(connection, tenant, HOLDER, _SCOPES)
        try:
            yield key.token
        finally:
            revoke_key(connection, tenant, key.key_id)


def show_totals(made: Composition, telling: Telling, lag: ProjectionLag) -> None:
    """Print how much there is and what became of every message."""
    with made.connect("vinculo demo") as connection:
        known, anonymous = stages(connection, made.logs.facts)
        found = reconcile(connection, made.logs.facts)
    telling.totals(lag, known, anonymous)
    telling.account(found)


def show_customers(made: Composition, telling: Telling, guide: Tour, fold: Fold) -> list[Stop]:
    """Print three customers, as the API tells of them, and return a tour around them."""
    with made.connect("vinculo demo") as connection:
        chosen = choose(connection, made.logs.facts, fold)
    telling.head("Three customers worth a look")
    documents = [guide.visit(tour.customer(one.customer_id, personal=True)) for one in chosen]
    for one, document in zip(chosen, documents, strict=True):
        telling.customer(one.why, document)
    return _stops(documents)


def _stops(documents: list[Document]) -> list[Stop]:
    stops = [
        Stop("people at risk of leaving", "/v1/customers?stage=prevention&limit=5"),
        Stop("what became of every message", "/v1/intake/accounts?limit=10"),
        Stop("how far the views are behind", "/v1/projections"),
        Stop("whether everything is well", "/readyz", scoped=False),
    ]
    if not documents:
        return stops
    loyal, risky, joined = documents[0], documents[len(documents) // 2], documents[-1]
    identifier = joined["personal"]["identifiers"][-1]
    subject = loyal["personal"]["identifiers"][0]
    now = datetime.now(UTC)
    return [
        tour.customer(loyal["customer_id"]),
        Stop("why somebody is at risk", f"/v1/customers/{risky['customer_id']}/lifecycle"),
        Stop(
            "who is behind an identifier",
            "/v1/customers/lookup",
            body={"identifiers": [f"{identifier['namespace']}:{identifier['value']}"]},
        ),
        Stop("what happened last", f"/v1/customers/{joined['customer_id']}/timeline?limit=5"),
        Stop("points and their movements", f"/v1/customers/{loyal['customer_id']}/accounts"),
        *stops,
        tour.purchase(
            f"{subject['namespace']}:{subject['value']}",
            now.isoformat(timespec="seconds"),
            f"W-demo-{now:%Y%m%d%H%M%S}",
        ),
    ]
