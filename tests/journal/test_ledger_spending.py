"""Spending by a programme's rules: rewards never oversold, off-line allowances, transfers."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from threading import Thread

import psycopg
import pytest

from domain.calendar import Calendar
from domain.instants import DAY, moment_of
from domain.ledger.commands import Capture, Redeem, Reserve
from domain.programmes.format import (
    Burn,
    PointsCurrency,
    ProgrammeVersion,
    Reissue,
    Reward,
    Transfers,
)
from domain.programmes.rulebook import ProgrammeRulebook
from journal.connecting import connect
from journal.ledger import (
    Answer,
    InsufficientPointsError,
    LedgerWriter,
    Order,
    ReserveOffline,
    RulebookSpending,
    SpendingRules,
    offline_order,
    open_order,
)
from journal.ledger.rewards import reward_faults, rewards_taken
from journal.ledger.verifying import verify
from tests.journal.ledger_orders import (
    START,
    Clock,
    account_of,
    capturing,
    connecting,
    endowment,
    one,
    opening,
    redeeming,
    releasing,
    reserving,
    reversing,
    rid,
    running,
    tenant_log,
    told,
    transferring,
)

VERSION = ProgrammeVersion(
    programme="club", version="v1", effective_from=datetime(2020, 1, 1, tzinfo=UTC),
    currencies=(
        PointsCurrency(
            code="points", reversal=Reissue(days=2),
            burn=Burn(minimum=10, step=5, reservation_seconds=60, offline_points_per_day=50),
        ),
        PointsCurrency(code="status", kind="qualifying"),
    ),
    transfers=Transfers(minimum=5, points_per_transfer=40, points_per_year=60),
    rewards=(
        Reward(code="mug", currency="points", points=13, stock=3),
        Reward(code="song", currency="points", points=7),
        Reward(code="late", currency="points", points=7, valid_from=moment_of(START + DAY)),
        Reward(code="gone", currency="points", points=7, valid_until=moment_of(START)),
    ),
)  # fmt: skip
UPSTREAM = ProgrammeVersion(
    programme="theirs", version="v1", effective_from=datetime(2020, 1, 1, tzinfo=UTC),
    authority="upstream", currencies=(PointsCurrency(code="points", burn=Burn()),),
)  # fmt: skip
RULES: SpendingRules = RulebookSpending(
    ProgrammeRulebook((VERSION, UPSTREAM), Calendar.in_zone("Europe/Madrid"))
)


@pytest.fixture
def log_id(database_url: str) -> int:
    return tenant_log(database_url)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writer(database_url: str, log_id: int, clock: Clock) -> Iterator[LedgerWriter]:
    made = LedgerWriter(log_id, connecting(database_url), now=clock, rules=lambda _: RULES)
    with running(made):
        told(made, opening(1), endowment(1, (1_000, None)), opening(2))
        yield made


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with connect(database_url, name="test") as opened:
        yield opened


def taking(
    number: int,
    reward: str,
    name: object,
    points: int = 0,
    currency: str = "",
    *,
    elsewhere: bool = False,
) -> Order:
    command = Redeem(
        redemption_id=rid(name),
        currency=currency,
        points=points,
        reward=reward,
        elsewhere=elsewhere,
    )
    return Order(request_id=rid(name), account_id=account_of(number), command=command)


def holding(number: int, reward: str, name: object) -> Order:
    command = Reserve(redemption_id=rid(name), currency="", points=0, reward=reward)
    return Order(request_id=rid(name), account_id=account_of(number), command=command)


def allowance(number: int, day: int, till: str = "till 4") -> Order:
    return offline_order(
        account_of(number), ReserveOffline(currency="points", day=day, till=till, by="till")
    )


def test_a_redemption_keeps_to_minimum_step_and_currency(writer: LedgerWriter) -> None:
    assert ["points_invalid", "points_invalid", "currency_unknown", "not_redeemable"] == told(
        writer, redeeming(1, 5, "a"), redeeming(1, 12, "b"),
        taking(1, "", "c", 10, "stars"), taking(1, "", "d", 10, "status"),
    )  # fmt: skip
    assert START + 60_000_000 == one(writer, reserving(1, 10, "e")).until


def test_accounts_are_opened_in_programmes_of_ours_that_are_in_force(writer: LedgerWriter) -> None:
    orders = [open_order(rid(code), code, bytes(16)) for code in ("theirs", "nobodys")]
    assert ["programme_upstream", "programme_unknown"] == told(writer, *orders)


def test_a_reward_costs_its_price_whatever_minimum_and_step(
    writer: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    answer = one(writer, taking(1, "mug", "a"))
    assert (13, "points", 987) == (answer.points, answer.currency, answer.balance.available)
    assert 13 == one(writer, taking(1, "mug", "b", 13, "points")).points
    assert 7 == one(writer, taking(1, "song", "c")).points
    assert ["reward_price", "reward_price", "reward_unknown", "reward_not_valid"] == told(
        writer, taking(1, "mug", "d", 12, "points"), taking(1, "mug", "e", 13, "status"),
        taking(1, "cup", "f"), taking(1, "late", "g"),
    )  # fmt: skip
    assert ["reward_not_valid"] == told(writer, taking(1, "gone", "h"))
    assert {"mug": 2} == rewards_taken(connection, log_id, "club")


def test_what_is_sold_out_can_be_had_again_once_one_came_back(
    writer: LedgerWriter, clock: Clock, connection: psycopg.Connection, log_id: int
) -> None:
    one(writer, taking(1, "mug", "made"))
    one(writer, holding(1, "mug", "held"))
    one(writer, holding(1, "mug", "forgotten"))
    assert ["sold_out", "sold_out"] == told(writer, taking(1, "mug", "x"), holding(1, "mug", "y"))
    one(writer, releasing(1, "held", "release"))
    one(writer, taking(1, "mug", "second"))
    assert ["sold_out"] == told(writer, taking(1, "mug", "z"))
    clock.wait(60)
    one(writer, redeeming(1, 10, "anything"))  # the timer of what was forgotten runs
    assert {"mug": 2} == rewards_taken(connection, log_id, "club")
    one(writer, reversing(1, "made", "undone"))
    assert {"mug": 1} == rewards_taken(connection, log_id, "club")
    one(writer, taking(1, "mug", "third"))
    one(writer, taking(1, "mug", "fourth"))
    assert ["sold_out"] == told(writer, taking(1, "mug", "fifth"))
    assert [] == reward_faults(connection, log_id)
    assert verify(connection, log_id).sound


def test_a_redemption_for_a_reward_is_whole(writer: LedgerWriter) -> None:
    one(writer, holding(1, "mug", "a"))
    assert ["reward_whole", "reward_whole"] == told(
        writer, capturing(1, "a", "b", 5), capturing(1, "a", "c", final=False)
    )
    assert 13 == one(writer, capturing(1, "a", "d", 13)).points
    assert ["reward_whole"] == told(writer, reversing(1, "a", "e", 1))
    assert 13 == one(writer, reversing(1, "a", "f")).points


def test_a_reward_handed_out_elsewhere_is_counted_beyond_the_stock(
    writer: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    for number in range(4):
        one(writer, taking(1, "mug", number, 13, "points", elsewhere=True))
    assert {"mug": 4} == rewards_taken(connection, log_id, "club")
    assert ["sold_out"] == told(writer, taking(1, "mug", "more"))


def test_the_last_items_are_sold_once_whoever_asks_at_the_same_time(
    database_url: str, log_id: int, clock: Clock, connection: psycopg.Connection
) -> None:
    buyers, sold = 12, list[Answer]()
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                running(
                    LedgerWriter(log_id, connecting(database_url), now=clock, rules=lambda _: RULES)
                )
            )
            for _ in range(4)
        ]
        told(writers[0], *(opening(number) for number in range(buyers)))
        told(writers[0], *(endowment(number, (1_000, None)) for number in range(buyers)))

        def buy(number: int) -> None:
            writer = writers[number % len(writers)]
            for turn in range(10):
                name = f"{number} {turn}"
                [answer] = told(writer, holding(number, "mug", name))
                if isinstance(answer, Answer):
                    sold.append(answer)
                    told(writer, releasing(number, name, f"back {name}"))
                else:
                    assert "sold_out" == answer
            told(writer, taking(number, "mug", f"last {number}"))

        threads = [Thread(target=buy, args=(number,)) for number in range(buyers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(sold) > 3
    assert {"mug": 3} == rewards_taken(connection, log_id, "club")
    assert [] == reward_faults(connection, log_id)
    verified = verify(connection, log_id)
    assert verified.sound
    assert 3 * 13 == verified.books["points"]["redeemed"]


def test_a_till_sets_aside_what_the_version_allows_until_the_days_end(
    writer: LedgerWriter, clock: Clock
) -> None:
    today = Calendar.in_zone("Europe/Madrid").day(START)
    answer = one(writer, allowance(1, today))
    assert (50, "points", 950) == (answer.points, answer.currency, answer.balance.available)
    assert Calendar.in_zone("Europe/Madrid").start(today + 1) == answer.until
    assert one(writer, allowance(1, today)).repeated
    assert not one(writer, allowance(1, today, "till 5")).repeated
    order = allowance(1, today)
    for number, points in enumerate((20, 10)):
        part = Order(
            request_id=rid(f"part {number}"), account_id=account_of(1),
            command=Capture(redemption_id=order.request_id, points=points, final=False),
        )  # fmt: skip
        assert points == one(writer, part).points
    clock.wait(86_400)
    assert 1_000 - 30 - 10 == one(writer, redeeming(1, 10, "later")).balance.available


def test_an_allowance_is_what_there_is_in_whole_steps_or_nothing(writer: LedgerWriter) -> None:
    today = Calendar.in_zone("Europe/Madrid").day(START)
    one(writer, redeeming(1, 975, "most"))
    assert ["day_invalid", "day_invalid"] == told(
        writer, allowance(1, today - 1), allowance(1, today + 32)
    )
    assert 25 == one(writer, allowance(1, today)).points
    with pytest.raises(InsufficientPointsError) as refused:
        writer.submit(allowance(1, today, "till 5")).result(20)
    assert 0 == refused.value.available
    assert ["account_unknown"] == told(writer, allowance(9, today))


def test_who_asks_for_too_much_is_told_what_there_is(writer: LedgerWriter) -> None:
    with pytest.raises(InsufficientPointsError, match="at most 1000") as refused:
        writer.submit(redeeming(1, 1_005, "a")).result(20)
    assert 1_000 == refused.value.available


def test_transfers_keep_to_the_limits_of_the_version(writer: LedgerWriter, clock: Clock) -> None:
    assert ["points_invalid", "points_invalid"] == told(
        writer, transferring(1, 2, 4, "a"), transferring(1, 2, 41, "b")
    )
    first, second, third = told(
        writer, transferring(1, 2, 40, "c"), transferring(1, 2, 21, "d"), transferring(1, 2, 5, "e")
    )
    assert isinstance(first, Answer)
    assert "transfer_limit" == second
    assert isinstance(third, Answer)
    assert ["transfer_limit"] == told(writer, transferring(1, 2, 16, "f"))
    clock.wait(60 * 86_400)  # START is in November
    assert 40 == one(writer, transferring(1, 2, 40, "g")).points


def test_points_of_an_expired_lot_come_back_for_the_days_that_the_version_says(
    writer: LedgerWriter, clock: Clock
) -> None:
    one(writer, opening(3))
    one(writer, endowment(3, (50, START + 10_000_000)))
    one(writer, redeeming(3, 50, "spent"))
    clock.wait(20)
    assert 50 == one(writer, reversing(3, "spent", "undone")).balance.available
    today = Calendar.in_zone("Europe/Madrid").day(START)
    end = Calendar.in_zone("Europe/Madrid").start(today + 3)
    clock.at = end - 2_000_000
    assert 40 == one(writer, redeeming(3, 10, "in time")).balance.available
    clock.at = end
    assert ["insufficient_points"] == told(writer, redeeming(3, 10, "too late"))
