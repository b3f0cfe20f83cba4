"""Judging facts: what each makes of the accounts that it touches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Protocol

import msgspec

from domain.correcting import CORRECTIONS, Naming
from domain.earning.activity import activities, extend_by, reinstates
from domain.earning.records import AwardRecord
from domain.earning.reducing import purchase_less
from domain.earning.settling import REINSTATED, Case, posting_id, settle
from domain.earning.store import EarningStore
from domain.earning.tiers import counts_for_tier, judge_tier_of, measures_balance
from domain.fact import Fact
from domain.identifiers import Persona, persona_key
from domain.instants import DAY
from domain.ledger.decisions import FirstPurchaseRecognised, LedgerAccountOpened
from domain.ledger.desk import Desk
from domain.ledger.projecting import account_id
from domain.ledger.terms import Share, Standing
from domain.ledger.timers import run_timers
from domain.programmes.compiling import CompiledVersion
from domain.programmes.format import may_enrol
from domain.programmes.judging import cap_keys, judge
from domain.programmes.occasion import Occasion, occasion_of
from domain.programmes.rule_types import rule_name
from domain.touchpoints.commercial import PurchaseMade, PurchaseReturned

_ACCOUNTS_CACHED_MAX = 200_000
_account_id = lru_cache(_ACCOUNTS_CACHED_MAX)(account_id)


class Rules(Protocol):
    """The approved rules of a tenant."""

    def programmes(self) -> Iterable[str]:
        """Return the codes of all programmes."""

    def in_force(self, programme: str, instant: int) -> CompiledVersion | None:
        """Return the version that judges what happens at an instant, None if there is none."""


class Earning:
    """Judges the facts of one tenant.

    Args:
        rules: that are in force.
        mine: says of a persona whether its accounts are to be judged; others are left alone.

    """

    def __init__(self, rules: Rules, mine: Callable[[bytes], bool] | None = None) -> None:
        self._rules = rules
        self._mine = mine
        self._activity_types: dict[tuple[str, str], frozenset[str]] = {}
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
        """Run an account's timers up to and at an instant, those of its tier included."""
        account = desk.account
        self._end_tiers(desk, until)
        run_timers(desk, until)
        version = self._rules.in_force(account.programme, until)
        if version is not None and account.is_open and measures_balance(version):
            judge_tier_of(desk, version, until)

    def _end_tiers(self, desk: Desk, until: int) -> None:
        """Judge a tier at every end that it comes to, by the rules of that time."""
        account = desk.account
        while account.is_open and account.tier_until <= until:
            due = account.tier_until
            run_timers(desk, due)
            version = self._rules.in_force(account.programme, due)
            if version is not None:
                judge_tier_of(desk, version, due)
            if account.tier_until <= due:
                break

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

    def in_force(self, programme: str, instant: int) -> CompiledVersion | None:
        """Return the version that judges what happens at an instant, None if there is none."""
        return self._rules.in_force(programme, instant)

    def reinstates(self, programme: str, instants: Iterable[int]) -> bool:
        """Say whether an activity at one of some instants may bring back what has expired since."""
        versions = (self._rules.in_force(programme, instant) for instant in instants)
        return any(version is not None and reinstates(version) for version in versions)

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
        if self._mine is not None and not self._mine(owner.persona_id):
            return
        desk = store.desk(home)
        if type(effective.touchpoint) in version.rules or records:
            self._enrol(desk, version, owner, effective)
        elif rule_name(type(effective.touchpoint)) not in self._activities(version):
            return
        if desk.account.is_open:
            self._assess_at_home(store, desk, version, effective, cause)

    def _activities(self, version: CompiledVersion) -> frozenset[str]:
        name = version.programme, version.version
        found = self._activity_types.get(name)
        if found is None:
            found = self._activity_types[name] = activities(version)
        return found

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

    def _enrol(self, desk: Desk, version: CompiledVersion, owner: Persona, fact: Fact) -> None:
        """Open an account where there is none and the programme enrols by itself."""
        if desk.account.programme or version.written.enrolment.how != "automatic":
            return
        desk.post(
            LedgerAccountOpened(
                at=fact.occurred_at,
                programme=version.programme,
                persona=owner.persona_id,
                cause=fact.entry_id,
            )
        )

    def _assess_at_home(
        self, store: EarningStore, desk: Desk, version: CompiledVersion, fact: Fact, cause: Fact
    ) -> None:
        account = desk.account
        record = store.records.get((version.programme, fact.entry_id), {}).get(account.id)
        first = record is None
        occasion = occasion_of(fact, version.calendar)
        if record is None:
            self._end_tiers(desk, fact.occurred_at)
            record = _first_record(desk, version, occasion, fact.entry_id)
        elif record.version != version.version:
            record.version = version.version
        case = Case(desk, version, record, occasion, cause)
        left = self._left(store, case.occasion)
        shares: dict[str, tuple[Share, ...]] = {}
        if left is not None:
            shares = {one.currency: one.shares for one in judge(version, left, record.standing)}
        currencies = tuple(dict.fromkeys([*shares, *(one.currency for one in record.currencies)]))
        moved = [code for code in currencies if settle(case, left, code, shares.get(code, ()))]
        if record.currencies or isinstance(fact.touchpoint, PurchaseMade):
            store.keep(record)
        if first:
            self._prolong(store, case, fact, shares)
        if any(counts_for_tier(version, code) for code in moved):
            judge_tier_of(desk, version, fact.occurred_at, cause.entry_id)

    def _prolong(
        self, store: EarningStore, case: Case, fact: Fact, earned: Mapping[str, object]
    ) -> None:
        account = case.desk.account.id

        def posting(currency: str) -> bytes:
            return posting_id(case.cause.entry_id, fact.entry_id, account, currency, REINSTATED)

        extend_by(
            case.desk, case.version, fact, case.occasion.day, tuple(earned), store.lost, posting
        )

    def _left(self, store: EarningStore, occasion: Occasion) -> Occasion | None:
        """Return what rules are asked about, less what was returned; None if nothing is left."""
        touchpoint = occasion.touchpoint
        if not isinstance(touchpoint, PurchaseMade):
            return occasion
        if (occasion.source, touchpoint.number) not in store.knowledge.returns:
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
        case = Case(
            store.desk(record.account), version, record, occasion_of(known, version.calendar), cause
        )
        moved = [one.currency for one in record.currencies if settle(case, None, one.currency, ())]
        store.keep(record)
        if any(counts_for_tier(version, code) for code in moved):
            judge_tier_of(case.desk, version, known.occurred_at, cause.entry_id)


def _first_record(
    desk: Desk, version: CompiledVersion, occasion: Occasion, touchpoint: bytes
) -> AwardRecord:
    account = desk.account
    first = isinstance(occasion.touchpoint, PurchaseMade) and not account.first_purchase
    keys = cap_keys(version, occasion)
    used = {key: account.used[key] for key in keys if key in account.used}
    if first:
        desk.post(FirstPurchaseRecognised(at=occasion.occurred_at, touchpoint=touchpoint))
    standing = Standing(account.tier, first, used)
    return AwardRecord(touchpoint, account.id, version.programme, version.version, standing)


def _sold(store: EarningStore, returned: Fact) -> list[bytes]:
    """Return the purchases that a return named before and after it was corrected."""
    knowledge = store.knowledge
    found: list[bytes] = []
    for fact in (returned, knowledge.effective(returned.entry_id)):
        if fact is not None and isinstance(fact.touchpoint, PurchaseReturned):
            found += knowledge.sold_by(fact.touchpoint)
    return found
