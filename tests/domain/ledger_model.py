"""A plain, slow model of an owned account, written from DOMAIN §5 and rulings 23 to 29.

Lots are kept for ever and judged one by one at every tick; nothing is queued, summed up or kept in
order. Ticks are whole numbers, a tick is a second of the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

FOREVER = 10**9


@dataclass(eq=False)
class Lot:
    number: int
    points: int
    earned: int
    active: int
    expires: int
    kind: str
    is_pending: bool


@dataclass(eq=False)
class Part:
    """Points out of a lot, and until when they were to live when they left it."""

    lot: Lot
    points: int
    expires: int


@dataclass(eq=False)
class Reserved:
    until: int
    parts: list[Part]


@dataclass(eq=False)
class Redeemed:
    parts: list[Part] = field(default_factory=list)
    uncovered: int = 0


@dataclass
class Pot:
    """What an account has in one currency."""

    lots: list[Lot] = field(default_factory=list)
    reserved: dict[bytes, Reserved] = field(default_factory=dict)
    redeemed: dict[bytes, Redeemed] = field(default_factory=dict)
    losses: list[Part] = field(default_factory=list)
    forgiven: list[tuple[set[int], list[int]]] = field(default_factory=list)
    owed: int = 0
    issued: int = 0
    spent: int = 0
    expired: int = 0
    clawed: int = 0
    adjusted: int = 0
    moved: int = 0

    def active(self) -> list[Lot]:
        """Lots that can be used, in the order of burning."""
        found = [lot for lot in self.lots if lot.points and not lot.is_pending]
        return sorted(found, key=lambda lot: (lot.expires, lot.earned, lot.number))

    def pending(self) -> list[Lot]:
        found = [lot for lot in self.lots if lot.points and lot.is_pending]
        return sorted(found, key=lambda lot: (lot.expires, lot.earned, lot.number))

    def figures(self) -> dict[str, int]:
        return {
            "available": sum(lot.points for lot in self.active()) - self.owed,
            "pending": sum(lot.points for lot in self.pending()),
            "reserved": sum(p.points for one in self.reserved.values() for p in one.parts),
            "overdrawn": self.owed,
            "issued": self.issued,
            "redeemed": self.spent,
            "expired": self.expired,
            "clawed_back": self.clawed,
            "adjusted": self.adjusted,
            "transferred": self.moved,
        }

    def take(self, lots: list[Lot], points: int) -> list[Part]:
        parts = []
        for lot in lots:
            part = min(points, lot.points)
            if part:
                lot.points -= part
                points -= part
                parts.append(Part(lot, part, lot.expires))
        return parts

    def pay(self) -> None:
        """What has become available pays what is owed."""
        self.owed -= sum(part.points for part in self.take(self.active(), self.owed))

    def new_lot(
        self, points: int, earned: int, active: int, expires: int, kind: str, now: int
    ) -> Lot:
        number = 1 + max((lot.number for lot in self.lots), default=0)
        lot = Lot(number, points, earned, active, expires, kind, active > now)
        self.lots.append(lot)
        return lot

    def is_held(self, lot: Lot) -> bool:
        set_aside = any(p.lot is lot for one in self.reserved.values() for p in one.parts)
        return lot.points > 0 or set_aside

    def come_back(self, parts: list[Part], now: int) -> list[Part]:
        """Points go back to their lots; return those whose lots have expired.

        A lot lives until the latest date known of it: of what is held, or of what comes back.
        """
        for part in parts:
            dates = [other.expires for other in parts if other.lot is part.lot]
            if self.is_held(part.lot):
                dates.append(part.lot.expires)
            part.expires = max(dates)
        for part in parts:
            if part.expires > now:
                part.lot.expires = part.expires
                part.lot.points += part.points
        return [part for part in parts if part.expires <= now]

    def take_forgiven(self, came: list[tuple[Lot, Lot, int]]) -> None:
        """Take undeserved points out of what came back: to which lot, from which, how many."""
        for to, origin, points in came:
            left = points
            for numbers, missing in self.forgiven:
                if origin.number in numbers:
                    part = min(left, missing[0], to.points)
                    to.points -= part
                    missing[0] -= part
                    left -= part
                    self.clawed += part

    def expire(self, now: int) -> bool:
        ends = [lot for lot in self.lots if lot.points and lot.expires <= now]
        for lot in ends:
            self.expired += lot.points
            self.losses.append(Part(lot, lot.points, lot.expires))
            lot.points = 0
        return bool(ends)

    def mature(self, now: int) -> bool:
        ripe = [lot for lot in self.pending() if lot.active <= now < lot.expires]
        for lot in ripe:
            lot.is_pending = False
        self.pay()
        return bool(ripe)

    def time_out(self, now: int) -> bool:
        late = sorted(name for name, one in self.reserved.items() if one.until <= now)
        for name in late:
            self.let_go(name, now)
        return bool(late)

    def let_go(self, name: bytes, now: int) -> None:
        parts = self.reserved.pop(name).parts
        gone = self.come_back(parts, now)
        self.expired += sum(part.points for part in gone)
        self.losses += gone
        self.pay()
        self.take_forgiven([(p.lot, p.lot, p.points) for p in parts if p not in gone])


class Model:
    """An account: pots by currency, and the instant up to which it has lived."""

    def __init__(self, opened: int) -> None:
        self.pots: dict[str, Pot] = {}
        self.own_time = opened
        self.is_open = True
        self.qualified: dict[int, int] = {}

    def pot(self, currency: str) -> Pot:
        return self.pots.setdefault(currency, Pot())

    def live(self, now: int) -> None:
        """Let time pass, tick by tick; expired points of late entries go at the first of them."""
        dates = {FOREVER}
        for pot in self.pots.values():
            dates |= {date for lot in pot.lots for date in (lot.active, lot.expires)}
            dates |= {one.until for one in pot.reserved.values()}
        for tick in sorted(date for date in dates if date <= now):
            for pot in self.pots.values():
                happened = [pot.time_out(tick), pot.mature(tick), pot.expire(tick)]
                if any(happened):
                    self.own_time = max(self.own_time, tick)

    def touch(self, now: int) -> int:
        """Let time pass up to what somebody asks at; an account never goes back in time."""
        now = max(now, self.own_time)
        self.live(now)
        self.own_time = now
        return now

    def accrue(
        self, currency: str, shares: Iterable[tuple[int, int, int, str]], at: int, day: int,
        qualifying: bool,
    ) -> list[int]:  # fmt: skip
        pot = self.pot(currency)
        lots = [
            pot.new_lot(points, at, active, expires, kind, self.own_time)
            for points, active, expires, kind in shares
        ]
        total = sum(lot.points for lot in lots)
        pot.issued += total
        pot.pay()
        if qualifying:
            self.qualified[day] = self.qualified.get(day, 0) + total
        self.live(self.own_time)
        return [lot.number for lot in lots]

    def opening(self, currency: str, lots: list[tuple[int, int, int, int]], now: int) -> None:
        now = max(now, self.own_time)
        pot = self.pot(currency)
        self.live(now)
        for points, earned, active, expires in lots:
            pot.new_lot(points, earned, active, expires, "earned", self.own_time)
            pot.adjusted += points
            pot.pay()
        self.live(now)

    def claw_back(self, currency: str, due: int, own: set[int], policy: str) -> int:
        """Take undeserved points; return those that are forgiven."""
        pot = self.pot(currency)
        first = [lot for lot in pot.pending() if lot.number in own]
        if policy != "only_pending":
            first += [lot for lot in pot.active() if lot.number in own]
            first += [lot for lot in pot.active() if lot.number not in own]
        missing = due - sum(part.points for part in pot.take(first, due))
        if policy == "unlimited":
            pot.owed += missing
            missing = 0
        elif policy == "within_balance":
            pot.forgiven.append((own, [missing]))
        pot.clawed += due - missing
        return missing

    def reserve(self, currency: str, name: bytes, points: int, until: int) -> None:
        pot = self.pot(currency)
        pot.reserved[name] = Reserved(until, pot.take(pot.active(), points))

    def capture(self, currency: str, name: bytes, points: int, final: bool, now: int) -> None:
        pot = self.pot(currency)
        one = pot.reserved[name]
        into = pot.redeemed.setdefault(name, Redeemed()).parts
        for part in list(one.parts):
            taken = min(points, part.points)
            if taken:
                into.append(Part(part.lot, taken, part.expires))
            part.points -= taken
            points -= taken
            pot.spent += taken
        one.parts = [part for part in one.parts if part.points]
        if not one.parts:
            del pot.reserved[name]
        elif final:
            pot.let_go(name, now)

    def redeem(self, currency: str, name: bytes, points: int) -> int:
        """Redeem at once; return what nothing covers."""
        pot = self.pot(currency)
        parts = pot.take(pot.active(), points)
        missing = points - sum(part.points for part in parts)
        pot.redeemed[name] = Redeemed(parts, missing)
        pot.spent += points
        pot.owed += missing
        return missing

    def reverse(
        self, currency: str, name: bytes, points: int, now: int, life: int, anew: bool
    ) -> None:
        """Undo so many points of a redemption, the last ones taken first.

        What nothing had covered comes before them: it is not owed any more or, where later points
        have paid it, given back as new points. Expired points are given ``anew``, or lost.
        """
        pot = self.pot(currency)
        one = pot.redeemed[name]
        pot.spent -= points
        debt = min(points, one.uncovered)
        one.uncovered -= debt
        points -= debt
        undone = []
        for part in reversed(one.parts):
            back = min(points, part.points)
            if back:
                undone.append(Part(part.lot, back, part.expires))
            part.points -= back
            points -= back
        for part in undone:
            part.expires = max(p.expires for p in one.parts if p.lot is part.lot)
        one.parts = [part for part in one.parts if part.points]
        gone = pot.come_back(undone, now)
        came = [(part.lot, part.lot, part.points) for part in undone if part not in gone]
        for part in gone:
            if anew:
                lot = part.lot
                fresh = pot.new_lot(part.points, lot.earned, now, now + life, lot.kind, now)
                came.append((fresh, lot, part.points))
            else:
                pot.expired += part.points
        not_owed = min(debt, pot.owed)
        pot.owed -= not_owed
        if debt > not_owed:
            pot.new_lot(debt - not_owed, now, now, now + life, "earned", now)
        pot.pay()
        pot.take_forgiven(came)
        if not self.is_open:
            self.end(pot)

    def adjust(self, currency: str, points: int, expires: int, now: int) -> None:
        pot = self.pot(currency)
        pot.adjusted += points
        if points > 0:
            pot.new_lot(points, now, now, expires, "promotional", now)
            pot.pay()
        else:
            pot.owed += -points - sum(part.points for part in pot.take(pot.active(), -points))

    def extend(self, currency: str, at: int, expires: int) -> None:
        """Activity: what had not expired by then lives on, if need be again; paid points stay."""
        pot = self.pot(currency)
        reserved = [part for one in pot.reserved.values() for part in one.parts]
        held = [lot for lot in pot.lots if pot.is_held(lot)]
        moving: list[tuple[Lot, Lot | Part]] = [(lot, lot) for lot in held]
        moving += [(part.lot, part) for part in reserved]
        for lot, one in moving:
            if lot.kind != "paid" and lot.earned <= at < one.expires < expires:
                one.expires = expires
        came = []
        for loss in list(pot.losses):
            lot = loss.lot
            there = lot.kind != "paid" and lot.earned <= at < loss.expires < expires
            if there and self.own_time < expires and self.is_open:
                pot.losses.remove(loss)
                lot.expires, lot.is_pending = expires, False
                lot.points += loss.points
                pot.expired -= loss.points
                came.append((lot, lot, loss.points))
        pot.pay()
        pot.take_forgiven(came)
        self.live(self.own_time)

    def end(self, pot: Pot) -> None:
        for lot in pot.lots:
            pot.expired += lot.points
            lot.points = 0

    def close(self, now: int) -> None:
        for pot in self.pots.values():
            for name in sorted(pot.reserved, key=lambda one: (pot.reserved[one].until, one)):
                pot.let_go(name, now)
            self.end(pot)
        self.is_open = False


def transfer(giver: Model, taker: Model, currency: str, points: int) -> None:
    pot, into = giver.pot(currency), taker.pot(currency)
    for part in pot.take(pot.active(), points):
        lot = part.lot
        into.new_lot(part.points, lot.earned, lot.active, lot.expires, lot.kind, FOREVER)
    pot.moved -= points
    into.moved += points
    into.pay()
