"""The routes of finance."""

from __future__ import annotations

from api import finance
from api.endpoints import Endpoint, json_reply


def finance_endpoints() -> tuple[Endpoint, ...]:
    """Return the endpoints of liability and statements."""
    return (
        Endpoint(
            method="GET",
            path="/v1/liability",
            name="readLiability",
            family="finance",
            summary="Open points by month of expiry, and what they are expected to cost",
            description="Points times price times expected redemption, by the approved estimates "
            "that hold on the day; the contract liability of IFRS 15 is told by a month's close. "
            "Every account is looked at, so ask seldom. 409 (no_estimate) if a portfolio has no "
            "approved estimate on that day.",
            scopes=("operate", "audit"),
            parameters=(finance.AS_OF_DAY,),
            replies={200: json_reply("As told.", finance.LiabilityDocument)},
            problems=(409,),
            handler=finance.tell_liability,
        ),
        Endpoint(
            method="GET",
            path="/v1/accounts/{account_id}/statement",
            name="readStatement",
            family="finance",
            summary="What happened to the points of an account",
            description="By value date, as a bank's: a posting made later for an earlier day stands"
            " on that day, so each statement says up to which version of the account it knows.",
            scopes=("read", "audit"),
            parameters=finance.STATEMENT_PARAMETERS,
            replies={200: json_reply("As told.", finance.StatementDocument)},
            problems=(404, 422),
            handler=finance.tell_statement,
        ),
    )
