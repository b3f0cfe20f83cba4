"""Judging facts: what each makes of the accounts that it touches."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, Protocol

import msgspec

from domain.correcting import CORRECTIONS, Naming
from domain.earning.records import Awarded, AwardRecord
from domain.earning.reducing import purchase_less
from domain.earning.store import EarningStore
from domain.fact import Fact
from domain.identifiers import Persona, persona_key
from domain.instants import DAY
from domain.ledger.crediting import Accrual, accrue
from domain.ledger.decisions import FirstPurchaseRecognised, LedgerAccountOpened
from domain.ledger.desk import Desk
from domain.ledger.projecting import account_id
from domain.ledger.taking import ClawBack, claw_back
from domain.ledger.terms import Share, Standing
from domain.ledger.timers import run_timers
from domain.programmes.compiling import CompiledVersion
from domain.programmes.format import may_enrol
from domain.programmes.judging import cap_keys, judge
from domain.programmes.occasion import Occasion, occasion_of
from domain.touchpoints.commercial import PurchaseMade, PurchaseReturned

ACCRUED: Final = b"accrued"
CLAWED_BACK: Final = b"clawed_back"


class Rules(Protocol):
    """The approved rules of a tenant."""

    def programmes(self) -> Iterable[str]:
        """Return the codes of all programmes."""

    def in_force(self, programme: str, instant: int) -> CompiledVersion | None:
        """Return the version that judges what happens at an instant, None if there is none."""


def posting_id(
    cause: bytes, touchpoint: bytes, account: bytes, currency: str, kind: bytes
) -> bytes:
    """Return the 16 bytes of ruling 24: the same posting has the same id whoever makes it."""
    bound = b"".join((cause, touchpoint, account, kind, b"\0", currency.encode()))
    return blake2b(bound, digest_size=16, person=b"vinculo.posting").digest()


class Earning:
    """Judges the facts of one tenant.

    Args:
        rules: that are in force.

    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.programmes = tuple(rules.programmes())

    def judge(self, store: EarningStore, fact: Fact, naming: Naming | None = None) -> None:
        """Judge one fact, later in its log than all that were judged before.

        Args:
            store: what is known so far; changed in place.
            fact: as stated.
            naming: what it names, if it is a correction or a void.

        """
        knowledge = store.knowledge
        if fact.entry_id in knowledge.stated:
            return
        knowledge.learn(fact, naming)
        for entry_id in self._concerned(store, fact, naming):
            self._reassess(store, entry_id, fact)

    def sweep(self, desk: Desk, until: int) -> None:
        """Run an account's timers up to and at an instant."""
        run_timers(desk, until)

    def _concerned(self, store: EarningStore, fact: Fact, naming: Naming | None) -> list[bytes]:
        """Return the touchpoints whose award this fact may change."""
        knowledge = store.knowledge
        touchpoint = fact.touchpoint
        if naming is not None:
            target = knowledge.corrected(naming)
            stated = knowledge.stated.get(target)
            if stated is not None and isinstance(stated.touchpoint, PurchaseReturned):
                return list(dict.fromkeys(_sold(store, stated)))
            return [target]
        if isinstance(touchpoint, PurchaseReturned):
            return list(knowledge.sold_by(touchpoint))
        concerned = [fact.entry_id]
        if fact.linked:
            for persona in (fact.persona, *fact.linked):
                if self.claimable(persona, fact.occurred_at):
                    concerned += knowledge.of_persona.get(persona.persona_id, ())
        return list(dict.fromkeys(concerned))

    def claimable(self, persona: Persona, instant: int) -> bool:
        """Say whether somebody else may claim what a persona did, in any programme."""
        versions = (self._rules.in_force(one, instant) for one in self.programmes)
        return any(
            version is not None and not may_enrol(version.written, persona.namespace)
            for version in versions
        )

    def _reassess(self, store: EarningStore, entry_id: bytes, cause: Fact) -> None:
        stated = store.knowledge.stated.get(entry_id)
        if stated is None or type(stated.touchpoint) in CORRECTIONS:
            return
        effective = store.knowledge.effective(entry_id)
        for programme in self.programmes:
            self._reassess_in(store, programme, (effective or stated), effective, cause)

    def _reassess_in(
        self, store: EarningStore, programme: str, known: Fact, effective: Fact | None, cause: Fact
    ) -> None:
        version = self._rules.in_force(programme, known.occurred_at)
        records = store.records.get((programme, known.entry_id), {})
        if version is None and not records:
            return
        owner = None
        if effective is not None and version is not None:
            owner = self._owner(store, version, effective)
        home = None if owner is None else account_id(programme, owner.persona_id)
        for away in sorted(records.keys() - {home}):
            self._assess_away(store, records[away], known, cause)
        if home is None or owner is None or version is None or effective is None:
            return
        if type(effective.touchpoint) not in version.rules and not records:
            return
        desk = self._enrolled(store.desk(home), version, owner, effective)
        if desk is not None:
            self._assess_at_home(store, desk, version, effective, cause)

    def _owner(self, store: EarningStore, version: CompiledVersion, fact: Fact) -> Persona | None:
        """Return whose account a touchpoint counts for: its subject's, or who has claimed it."""
        if may_enrol(version.written, fact.persona.namespace):
            return fact.persona
        window = version.written.claim_window_days * DAY
        claimants = [
            partner
            for partner, linked_at in store.knowledge.joined(fact.persona)
            if may_enrol(version.written, partner.namespace)
            and fact.occurred_at >= linked_at - window
        ]
        return min(claimants, key=persona_key) if claimants else None

    def _enrolled(
        self, desk: Desk, version: CompiledVersion, owner: Persona, fact: Fact
    ) -> Desk | None:
        """Return the desk of an open account, opening it where the programme enrols by itself."""
        account = desk.account
        if not account.programme and version.written.enrolment.how == "automatic":
            desk.post(
                LedgerAccountOpened(
                    at=fact.occurred_at,
                    programme=version.programme,
                    persona=owner.persona_id,
                    cause=fact.entry_id,
                )
            )
        return desk if account.is_open else None

    def _assess_at_home(
        self, store: EarningStore, desk: Desk, version: CompiledVersion, fact: Fact, cause: Fact
    ) -> None:
        record = store.records.get((version.programme, fact.entry_id), {}).get(desk.account.id)
        if record is None:
            record = _first_record(desk, version, fact)
        elif record.version != version.version:
            record.version = version.version
        case = _Case(desk, version, record, occasion_of(fact, version.calendar), cause)
        left = self._left(store, case.occasion)
        shares: dict[str, tuple[Share, ...]] = {}
        if left is not None:
            shares = {one.currency: one.shares for one in judge(version, left, record.standing)}
        for currency in dict.fromkeys([*shares, *(one.currency for one in record.currencies)]):
            _settle(case, left, currency, shares.get(currency, ()))
        if record.currencies or isinstance(fact.touchpoint, PurchaseMade):
            store.keep(record)

    def _left(self, store: EarningStore, occasion: Occasion) -> Occasion | None:
        """Return what rules are asked about, less what was returned; None if nothing is left."""
        touchpoint = occasion.touchpoint
        if not isinstance(touchpoint, PurchaseMade):
            return occasion
        returns = list(store.knowledge.returns_of(occasion.source, touchpoint.number))
        if not returns:
            return occasion
        left = purchase_less(touchpoint, returns)
        return None if left is None else msgspec.structs.replace(occasion, touchpoint=left)

    def _assess_away(
        self, store: EarningStore, record: AwardRecord, known: Fact, cause: Fact
    ) -> None:
        """Take back what an account was given for a touchpoint that is not its own any more."""
        version = self._rules.in_force(record.programme, known.occurred_at)
        if version is None:
            return
        case = _Case(
            store.desk(record.account), version, record, occasion_of(known, version.calendar), cause
        )
        for awarded in record.currencies:
            _settle(case, None, awarded.currency, ())
        store.keep(record)


class _Case(msgspec.Struct, frozen=True):
    """One touchpoint, one account: all that settling it needs.

    Args:
        desk: of the account.
        version: whose rules judge it.
        record: of what was awarded so far.
        occasion: the touchpoint, whole.
        cause: the fact that makes postings necessary.

    """

    desk: Desk
    version: CompiledVersion
    record: AwardRecord
    occasion: Occasion
    cause: Fact


def _first_record(desk: Desk, version: CompiledVersion, fact: Fact) -> AwardRecord:
    account = desk.account
    first = isinstance(fact.touchpoint, PurchaseMade) and not account.first_purchase
    keys = cap_keys(version, occasion_of(fact, version.calendar))
    used = {key: account.used[key] for key in keys if key in account.used}
    if first:
        desk.post(FirstPurchaseRecognised(at=fact.occurred_at, touchpoint=fact.entry_id))
    standing = Standing(account.tier, first, used)
    return AwardRecord(fact.entry_id, account.id, version.programme, version.version, standing)


def _settle(case: _Case, left: Occasion | None, currency: str, shares: tuple[Share, ...]) -> None:
    """Post the difference between what should have been earned and what is booked."""
    awarded = case.record.awarded(currency)
    target, booked = sum(share.points for share in shares), awarded.booked
    if target > booked:
        fresh = _missing(case, left, awarded, shares) if booked else shares
        if fresh:
            _accrue(case, awarded, fresh)
    elif target < booked:
        _claw_back(case, awarded, shares, booked - target)


def _missing(
    case: _Case, left: Occasion | None, awarded: Awarded, shares: tuple[Share, ...]
) -> tuple[Share, ...]:
    """Return the shares that are still to be booked, within what caps leave by now."""
    rooms = _as_of_now(case, left, awarded, shares)
    missing = sum(share.points for share in shares) - awarded.booked
    fresh: list[Share] = []
    for share in shares:
        gap = min(share.points, rooms.get(share.rule, share.points))
        part = min(gap - awarded.by_rule.get(share.rule, 0), missing)
        if part > 0:
            fresh.append(msgspec.structs.replace(share, points=part))
            missing -= part
    return tuple(fresh)


def _as_of_now(
    case: _Case, left: Occasion | None, awarded: Awarded, shares: tuple[Share, ...]
) -> dict[str, int]:
    """Return by rule what it would give under what its caps leave now, its own points left out."""
    if left is None or not any(share.caps for share in shares):
        return {}
    used = dict(case.desk.account.used)
    for share in shares:
        for key in share.caps:
            used[key] = used.get(key, 0) - awarded.by_rule.get(share.rule, 0)
    standing = msgspec.structs.replace(case.record.standing, used=used)
    now = {
        share.rule: share.points
        for award in judge(case.version, left, standing)
        if award.currency == awarded.currency
        for share in award.shares
    }
    return {share.rule: now.get(share.rule, 0) for share in shares}


def _accrue(case: _Case, awarded: Awarded, shares: tuple[Share, ...]) -> None:
    account = case.desk.account
    first_lot = account.book(awarded.currency).next_lot
    record, occasion = case.record, case.occasion
    accrue(
        case.desk,
        Accrual(
            posting_id=posting_id(
                case.cause.entry_id, record.touchpoint, account.id, awarded.currency, ACCRUED
            ),
            touchpoint=record.touchpoint,
            cause=case.cause.entry_id,
            currency=awarded.currency,
            at=occasion.occurred_at,
            day=occasion.day,
            version=case.version.version,
            shares=shares,
            standing=record.standing,
            qualifying=counts_for_tier(case.version, awarded.currency),
        ),
    )
    awarded.lots = [*awarded.lots, *range(first_lot, first_lot + len(shares))]
    by_rule = dict(awarded.by_rule)
    for share in shares:
        by_rule[share.rule] = by_rule.get(share.rule, 0) + share.points
    awarded.by_rule = by_rule


def _claw_back(case: _Case, awarded: Awarded, shares: tuple[Share, ...], due: int) -> None:
    account = case.desk.account
    record = case.record
    claw_back(
        case.desk,
        ClawBack(
            posting_id=posting_id(
                case.cause.entry_id, record.touchpoint, account.id, awarded.currency, CLAWED_BACK
            ),
            touchpoint=record.touchpoint,
            cause=case.cause.entry_id,
            currency=awarded.currency,
            at=case.cause.occurred_at,
            day=case.occasion.day,
            due=due,
            lots=frozenset(awarded.lots),
            policy=case.version.currencies[awarded.currency].claw_back,
            qualifying=counts_for_tier(case.version, awarded.currency),
        ),
    )
    awarded.by_rule = _taken_off(awarded.by_rule, shares, due)


def _taken_off(by_rule: dict[str, int], shares: tuple[Share, ...], due: int) -> dict[str, int]:
    """Return what is booked by rule after points were taken off those that have too many."""
    wanted = {share.rule: share.points for share in shares}
    left = dict(by_rule)
    for rule in by_rule:
        part = min(due, max(0, left[rule] - wanted.get(rule, 0)))
        left[rule] -= part
        due -= part
    return {rule: points for rule, points in left.items() if points}


def counts_for_tier(version: CompiledVersion, currency: str) -> bool:
    """Say whether points of a currency count towards the programme's tiers."""
    tiers = version.written.tiers
    return tiers is not None and tiers.measure.currency == currency


def _sold(store: EarningStore, returned: Fact) -> list[bytes]:
    """Return the purchases that a return named before and after it was corrected."""
    knowledge = store.knowledge
    found: list[bytes] = []
    for fact in (returned, knowledge.effective(returned.entry_id)):
        if fact is not None and isinstance(fact.touchpoint, PurchaseReturned):
            found += knowledge.sold_by(fact.touchpoint)
    return found
