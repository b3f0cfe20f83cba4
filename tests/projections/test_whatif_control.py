"""The control of the what-if: the rules that were in force give the ledger, byte for byte."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from msgspec.structs import replace

from domain.decisions.base import Decision
from domain.earning.replaying import ASKED
from domain.ledger.account import Account
from domain.ledger.decisions import AccountDecision, ForgivenPointsTaken, LedgerAccountClosed
from domain.programmes.earn_rules import PerAmount
from domain.programmes.format import ProgrammeVersion
from domain.programmes.rulebook import ProgrammeRulebook
from journal.programmes import load_rulebook
from journal.reading import Row, head_of
from projections.whatif.history import History
from projections.whatif.playing import Playing, RulebookAt
from tests.projections.whatif_business import BASE, CLUB, STATUS, WhatIfBusiness

Streams = dict[bytes, list[tuple[str, bytes]]]
_encode = msgspec.json.Encoder(order="deterministic").encode


class _Streams:
    """Keeps every account's decisions of a replay, encoded as the log has them."""

    def __init__(self) -> None:
        self.found: Streams = {}
        self.cuts: list[tuple[bytes, str, int, int]] = []

    def posted(self, account: Account, decision: Decision) -> None:
        self.found.setdefault(account.id, []).append((decision.topic, _encode(decision)))

    def cut(self, account: Account, currency: str, at: int, points: int) -> None:
        self.cuts.append((account.id, currency, at, points))

    def hear(self, account_id: bytes, topic: str, body: bytes) -> None:
        """The truth is read from the log itself."""


def _rules_of(business: WhatIfBusiness, *added: ProgrammeVersion) -> RulebookAt:
    known: dict[int, ProgrammeRulebook] = {}

    def at(position: int) -> ProgrammeRulebook:
        if position not in known:
            rulebook = load_rulebook(
                business.engine.connection, business.logs.decisions, business.calendar, position
            )
            known[position] = rulebook.replacing(added) if added else rulebook
        return known[position]

    return at


def _replayed(business: WhatIfBusiness, programme: str, *added: ProgrammeVersion) -> _Streams:
    streams = _Streams()
    playing = Playing(programme, _rules_of(business, *added), streams, streams)
    _history(business).play(playing, lambda *_: None)
    playing.end()
    return streams


def _history(business: WhatIfBusiness) -> History:
    up_to = head_of(business.engine.connection, business.logs.decisions)
    return History(business.engine.conninfo, business.logs, up_to)


def _first_difference(expected: Streams, found: Streams) -> object:
    for account_id in sorted(expected.keys() | found.keys()):
        theirs, ours = expected.get(account_id, []), found.get(account_id, [])
        for version, pair in enumerate(zip(theirs, ours, strict=False), 1):
            if pair[0] != pair[1]:
                return account_id.hex(), version, *pair
        if len(theirs) != len(ours):
            at = min(len(theirs), len(ours))
            return account_id.hex(), at + 1, theirs[at : at + 1], ours[at : at + 1]
    return None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_under_the_actual_rules_a_replay_gives_every_stream_byte_for_byte(
    database_url: str, seed: int
) -> None:
    business = WhatIfBusiness(database_url, seed)
    business.live()
    for programme in ("club", "lasting"):
        recorded, replayed = business.streams(programme), _replayed(business, programme)
        assert _first_difference(recorded, replayed.found) is None
        assert [] == replayed.cuts
        assert sum(map(len, recorded.values())) > 500
    business.engine.close()


def test_the_control_covers_every_decision_that_can_be_asked_for(database_url: str) -> None:
    business = WhatIfBusiness(database_url, 2)
    business.live()
    recorded = {
        topic
        for programme in ("club", "lasting")
        for stream in business.streams(programme).values()
        for topic, _ in stream
    }
    business.engine.close()
    rare = {ForgivenPointsTaken.topic, LedgerAccountClosed.topic}
    assert {kind.topic for kind in get_args(AccountDecision)} - rare <= recorded
    assert {kind.topic for kind in ASKED} - rare <= recorded


def test_under_another_rule_a_replay_gives_other_streams_and_cuts_what_cannot_be_paid(
    database_url: str,
) -> None:
    business = WhatIfBusiness(database_url, 4)
    business.live()
    before = business.rows()
    halved = replace(BASE, earn=PerAmount(points=1, per=200, currency="EUR"))
    other = replace(CLUB, version="if", rules=(halved, STATUS), caps=())
    replayed = _replayed(business, "club", other)
    recorded = business.streams("club")
    assert _first_difference(recorded, replayed.found) is not None
    assert 0 < sum(points for *_, points in replayed.cuts)
    assert before == business.rows()
    # What the other version does not speak of is as it was.
    assert (
        _first_difference(business.streams("lasting"), _replayed(business, "lasting", other).found)
        is None
    )
    business.engine.close()


def test_a_replay_that_forgets_to_run_timers_is_found_out(database_url: str) -> None:
    business = WhatIfBusiness(database_url, 5)
    business.live()

    class Timeless(Playing):
        def sweep(self, to: int, accounts: tuple[bytes, ...] | None) -> None:
            """Known bad."""

    streams = _Streams()
    playing = Timeless("club", _rules_of(business), streams, streams)
    _history(business).play(playing, lambda *_: None)
    assert _first_difference(business.streams("club"), streams.found) is not None
    business.engine.close()


def test_facts_are_forgotten_only_where_nothing_asks_about_them_again(database_url: str) -> None:
    business = WhatIfBusiness(database_url, 6)
    business.live()

    class Forgetful(Playing):
        def fact(self, row: Row, *, keep: bool) -> None:  # noqa: ARG002 - known bad
            super().fact(row, keep=False)

    streams = _Streams()
    playing = Forgetful("club", _rules_of(business), streams, streams)
    _history(business).play(playing, lambda *_: None)
    assert _first_difference(business.streams("club"), streams.found) is not None
    assert _first_difference(business.streams("club"), _replayed(business, "club").found) is None
    business.engine.close()
