"""Dry runs: what a touchpoint would earn, rule by rule, with reasons; nothing is recorded."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
import psycopg
from msgspec import Meta

from api.answers import Answer, json_answer
from api.calls import Call
from api.customer_answers import found_by, personas_of, state_of
from api.ledger import read_asked
from api.problems import not_found, problem_answer
from api.services import Services
from domain.errors import Refused
from domain.instants import date_of
from domain.ledger.account import Account
from domain.ledger.projecting import account_id
from domain.ledger.terms import NEVER, Share, Standing
from domain.programmes.compiling import CompiledVersion
from domain.programmes.explaining import RuleAnswer
from domain.programmes.format import may_enrol
from domain.programmes.judging import cap_keys, explain, judge
from domain.programmes.occasion import Award, Occasion, weekday_of
from domain.programmes.tiers import Qualification, judge_tier
from domain.touchpoints.commercial import PurchaseMade
from journal.intake.mapping import Statement
from journal.intake.message import Message
from journal.ledger.reading import read_accounts
from projections.customer.shown import moment, uuid_text

_UNPROCESSABLE = 422


class DryRunAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One touchpoint to try.

    Args:
        event: the CloudEvent as it would be sent.
        customer_id: whose standing to judge by, in place of the event's subject.

    """

    event: msgspec.Raw
    customer_id: (
        Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")] | None
    ) = None


class ShareShown(msgspec.Struct, frozen=True):
    """The lot that a rule would give; ``expires_at`` is null for never."""

    rule: str
    points: int
    kind: str
    active_from: datetime
    expires_at: datetime | None
    issuer: str
    funder: str


class AwardShown(msgspec.Struct, frozen=True):
    """What would be earned in one currency."""

    currency: str
    points: int
    shares: tuple[ShareShown, ...]


class StandingShown(msgspec.Struct, frozen=True):
    """What the rules were told of the account.

    Args:
        account_id: of the account; null if there is none yet.
        may_enrol: whether the persona may have one.
        tier: held, empty for none.
        first: whether it would be the first purchase.
        used: by cap, the points given so far in its period.

    """

    account_id: str | None
    may_enrol: bool
    tier: str
    first: bool
    used: dict[str, int]


class DryRun(msgspec.Struct, frozen=True):
    """What a touchpoint would earn.

    Args:
        programme: code of the programme.
        version: name of the version that judges it.
        occurred_at: of the touchpoint.
        day: its business day.
        standing: of the account.
        awards: by currency; empty if no rule gives points.
        rules: every rule, fired or not, and why.

    """

    programme: str
    version: str
    occurred_at: datetime
    day: date
    standing: StandingShown
    awards: tuple[AwardShown, ...]
    rules: tuple[RuleAnswer, ...]


async def try_touchpoint(call: Call) -> Answer:
    """Judge one touchpoint without recording anything."""
    asked = await read_asked(call, DryRunAsked)
    services, code = call.services, call.scope["path_params"]["code"]
    try:
        statement = services.mapping.read(Message(bytes(asked.event)), services.clock())
    except Refused as refused:
        return problem_answer(_UNPROCESSABLE, refused.code, refused.detail)
    told = await services.desk.snapshot(_judge, services, code, statement, asked.customer_id)
    if told is None:
        raise not_found(
            "the code of a programme with a version in force when the touchpoint happened",
            "see /v1/programmes",
        )
    return json_answer(told)


def _judge(
    connection: psycopg.Connection,
    services: Services,
    code: str,
    statement: Statement,
    customer_id: str | None,
) -> DryRun | None:
    rulebook, _ = services.accounts.rules(connection)
    at = statement.occurred_at
    version = rulebook.in_force(code, at)
    if version is None:
        return None
    day = version.calendar.day(at)
    occasion = Occasion(
        statement.body.data, at, day, weekday_of(day), statement.accepted.source.name
    )
    account = _account(connection, services, code, statement, customer_id)
    standing = _standing(version, occasion, account)
    enrols = account is not None or may_enrol(version.written, statement.body.namespace)
    return DryRun(
        programme=code,
        version=version.version,
        occurred_at=moment(at),
        day=date_of(day),
        standing=StandingShown(
            None if account is None else uuid_text(account.id), enrols, standing.tier,
            standing.first, standing.used,
        ),
        awards=tuple(_award(one) for one in judge(version, occasion, standing)),
        rules=explain(version, occasion, standing),
    )  # fmt: skip


def _account(
    connection: psycopg.Connection,
    services: Services,
    code: str,
    statement: Statement,
    customer_id: str | None,
) -> Account | None:
    """Return the account by which to judge, None if there is none."""
    if customer_id is None:
        personas = [statement.subject.persona_id]
    else:
        found = found_by(connection, services, bytes.fromhex(customer_id.replace("-", "")))
        personas = personas_of(found, state_of(services, found))
    ids = [account_id(code, persona) for persona in personas]
    rows = read_accounts(connection, services.logs.decisions, ids)
    by_id = {row.account.id: row.account for row in rows}
    return next((by_id[one] for one in ids if one in by_id), None)


def _standing(version: CompiledVersion, occasion: Occasion, account: Account | None) -> Standing:
    """Return what the rules are told, as earning would tell them."""
    purchase = isinstance(occasion.touchpoint, PurchaseMade)
    if account is None:
        return Standing("", purchase, {})
    tier = account.tier
    if account.tier_until <= occasion.occurred_at and version.written.tiers is not None:
        currency = version.written.tiers.measure.currency
        shown = Qualification(
            account.qualified.get(currency, {}),
            account.book(currency).available,
            version.calendar.day(account.opened_at),
        )
        at = max(occasion.occurred_at, account.tier_since)
        tier = judge_tier(version, tier, account.tier_until, shown, at).tier
    keys = cap_keys(version, occasion)
    used = {key: account.used[key] for key in keys if key in account.used}
    return Standing(tier, purchase and not account.first_purchase, used)


def _award(award: Award) -> AwardShown:
    return AwardShown(
        award.currency,
        sum(share.points for share in award.shares),
        tuple(_share(share) for share in award.shares),
    )


def _share(share: Share) -> ShareShown:
    terms = share.terms
    return ShareShown(
        rule=share.rule,
        points=share.points,
        kind=terms.kind,
        active_from=moment(terms.active_from),
        expires_at=None if terms.expires_at >= NEVER else moment(terms.expires_at),
        issuer=terms.issuer,
        funder=terms.funder,
    )
