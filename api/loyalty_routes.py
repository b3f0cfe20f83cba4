"""The routes of owned accounts: opened, read, redeemed from; adjustments, rewards, dry runs."""

from __future__ import annotations

from typing import Any

from api import accounts, adjustments, dry_runs, redeeming, rewards
from api.endpoints import Content, Endpoint, Handler, json_reply
from api.keys import Scope
from api.ledger import Booked
from api.owned_accounts import OwnedAccount

_JSON = "application/json"
_ACCOUNT = "/v1/accounts/{account_id}"
_REDEMPTION = "/v1/redemptions/{redemption_id}"
_PROGRAMME = "/v1/programmes/{code}"
_POSITION = ("Vinculo-Position",)
_BOOKED = (*_POSITION, "Idempotent-Replayed")
_ANY_TIME = "Asked again under the same key, the same is answered, however often."

_REDEEM = (
    "Never more than there is, whatever the concurrency: 409 insufficient_points tells how many "
    "are available. With elsewhere=true what has already happened is booked, beyond the balance "
    "if it must be."
)
_OFFLINE = (
    "As much as there is, up to what the programme's version allows. The same till and day are "
    "told the same again, whatever the key. Capture parts of it with final=false once the line is "
    "back; at the day's end the rest goes back."
)


def loyalty_endpoints() -> tuple[Endpoint, ...]:
    """Return the endpoints of owned accounts."""
    return (*_of_accounts(), *_of_redeeming(), *_of_adjustments(), *_of_programmes())


def _of_accounts() -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="POST",
            path=f"{_PROGRAMME}/accounts",
            name="openAccount",
            family="accounts",
            summary="Open an owned account for a persona or a customer",
            description="One that is there already is told as it stands (200). Accounts never "
            "merge: a customer of several personas may have several.",
            scopes=("redeem",),
            keyed=True,
            bodies=(Content(_JSON, accounts.AccountAsked),),
            replies={
                200: json_reply("It was there already.", OwnedAccount, _POSITION),
                201: json_reply("It is opened.", OwnedAccount, _BOOKED),
            },
            problems=(404, 408, 409, 413, 422),
            handler=accounts.open_owned,
        ),
        Endpoint(
            method="GET",
            path=_ACCOUNT,
            name="readOwnedAccount",
            family="accounts",
            summary="How an owned account stands now",
            description="Rendered for now, as as_of says: what has expired or timed out by now is "
            "not counted, whatever the timekeeper did. Vinculo-Position tells up to which fact "
            "points were earned; what was redeemed is always in it.",
            scopes=("read", "redeem"),
            positioned=True,
            replies={200: json_reply("The account.", OwnedAccount, _POSITION)},
            problems=(404,),
            handler=accounts.read_owned,
        ),
    )


def _of_redeeming() -> tuple[Endpoint, ...]:
    return (
        _order(
            f"{_ACCOUNT}/reservations",
            "reservePoints",
            (
                "Set points aside, or the price of a reward",
                "Captured, released, or gone back by themselves when their time is out.",
            ),
            redeeming.ReservationAsked,
            redeeming.reserve,
        ),
        _order(
            f"{_ACCOUNT}/redemptions",
            "redeemPoints",
            (
                "Redeem at once",
                _REDEEM,
            ),
            redeeming.RedemptionAsked,
            redeeming.redeem,
        ),
        _order(
            f"{_ACCOUNT}/offline-allowances",
            "allowOffline",
            (
                "Set aside what a till may redeem on a day without a line",
                _OFFLINE,
            ),
            redeeming.OfflineAsked,
            redeeming.allow_offline,
        ),
        _order(
            f"{_ACCOUNT}/transfers",
            "transferPoints",
            (
                "Give points to another account",
                "Only where the programme's version allows it, within its limits.",
            ),
            redeeming.TransferAsked,
            redeeming.transfer,
        ),
        _order(
            f"{_REDEMPTION}/capture",
            "captureRedemption",
            (
                "Redeem what was reserved, all or part",
                "The rest goes back at once, unless final is false.",
            ),
            redeeming.CaptureAsked,
            redeeming.capture,
            body_required=False,
        ),
        _order(
            f"{_REDEMPTION}/release",
            "releaseRedemption",
            (
                "Let what was reserved go back",
                "Points whose lots have expired meanwhile are forfeited.",
            ),
            None,
            redeeming.release,
        ),
        _order(
            f"{_REDEMPTION}/reversal",
            "reverseRedemption",
            (
                "Undo a redemption, all or part",
                "Points go back to their lots; of expired ones the programme says what becomes.",
            ),
            redeeming.ReversalAsked,
            redeeming.reverse,
            body_required=False,
        ),
    )


def _of_adjustments() -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="POST",
            path=f"{_ACCOUNT}/adjustments",
            name="askAdjustment",
            family="accounts",
            summary="Ask for points to be given or taken by a person's decision",
            description=f"Nothing moves before somebody else has approved it. {_ANY_TIME}",
            scopes=("redeem",),
            keyed=True,
            bodies=(Content(_JSON, adjustments.AdjustmentAsked),),
            replies={201: json_reply("It is asked for.", adjustments.AdjustmentShown, _BOOKED)},
            problems=(404, 408, 413, 422),
            handler=adjustments.ask_adjustment,
        ),
        Endpoint(
            method="GET",
            path="/v1/adjustments/{adjustment_id}",
            name="readAdjustment",
            family="accounts",
            summary="An adjustment that was asked for, and what came of it",
            scopes=("redeem", "approve", "audit"),
            replies={200: json_reply("As told.", adjustments.AdjustmentShown)},
            problems=(404,),
            handler=adjustments.read_adjustment,
        ),
        _order(
            "/v1/adjustments/{adjustment_id}/approval",
            "approveAdjustment",
            (
                "Approve an adjustment that somebody else has asked for",
                "The person is the holder of the key; never who asked (403, same_person).",
            ),
            None,
            adjustments.approve_adjustment,
            scope="approve",
        ),
    )


def _of_programmes() -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="GET",
            path=f"{_PROGRAMME}/rewards",
            name="listRewards",
            family="programmes",
            summary="What points can be spent on, and how much of it is left",
            scopes=("read", "redeem"),
            replies={200: json_reply("The catalogue of the version in force.", rewards.Catalogue)},
            problems=(404,),
            handler=rewards.list_rewards,
        ),
        Endpoint(
            method="POST",
            path=f"{_PROGRAMME}/dry-runs",
            name="tryTouchpoint",
            family="programmes",
            summary="What one touchpoint would earn: every rule, fired or not, and why",
            description="Judged with the account's standing by the version in force when it "
            "happened. Nothing is recorded.",
            scopes=("read", "publish_rules", "approve"),
            bodies=(Content(_JSON, dry_runs.DryRunAsked),),
            replies={200: json_reply("As told.", dry_runs.DryRun)},
            problems=(404, 408, 413, 422),
            handler=dry_runs.try_touchpoint,
        ),
    )


def _order(
    path: str,
    name: str,
    words: tuple[str, str],
    body: Any,  # noqa: ANN401 - a type
    handler: Handler,
    *,
    body_required: bool = True,
    scope: Scope = "redeem",
) -> Endpoint:
    """Return the endpoint of an order to the ledger; words are its summary and description."""
    return Endpoint(
        method="POST",
        path=path,
        name=name,
        family="accounts",
        summary=words[0],
        description=f"{words[1]} {_ANY_TIME}",
        scopes=(scope,),
        keyed=True,
        bodies=() if body is None else (Content(_JSON, body),),
        body_required=body_required,
        replies={201: json_reply("It is done and committed.", Booked, _BOOKED)},
        problems=(403, 404, 408, 409, 413, 422),
        handler=handler,
    )
