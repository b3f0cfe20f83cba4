"""The demo from its first line to its last."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from consumers.kafka.worker import IntakeWorker
from domain.errors import VinculoError
from journal.reading import head_of
from projections.customer.fold import Fold
from projections.customer.rebuilding import rebuild
from vinculo.composition import Composition
from vinculo.demo.answering import Answering
from vinculo.demo.business import Business
from vinculo.demo.installation import installation
from vinculo.demo.showing import demo_key, show_customers, show_totals
from vinculo.demo.telling import Telling
from vinculo.demo.tour import Stop, Tour
from vinculo.demo.workers import Workers, earning, projecting, timekeeping, wait_until_current
from vinculo.fold_check import is_same_fold
from vinculo.reconciling import reconcile
from vinculo.settings import Settings
from vinculo.simulator import PROFILES, Simulation

_LOOK_SECONDS = 0.5
_INTAKE_SECONDS_MAX = 600


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for.

    Args:
        customers: how many people, at the first start.
        seed: of the simulation, at the first start.
        port: of the API, if nobody else has it.
        fresh: begin anew.
        leave: end after running the tour, in place of waiting for Ctrl-C.

    """

    customers: int
    seed: int
    port: int
    fresh: bool = False
    leave: bool = False


Wait = Callable[[Callable[[], None]], None]
"""``wait(check)`` returns once the user has had enough, and calls ``check`` until then."""


def run_demo(settings: Settings, wishes: Wishes, telling: Telling, wait: Wait) -> None:
    """Start everything, show it, and wait.

    Args:
        settings: of the process.
        wishes: what was asked for.
        telling: prints.
        wait: for the user's end.

    Raises:
        VinculoError: something did not start, or an answer of the tour was not as it should be.

    """
    telling.head("Vínculo, with a simulated shop")
    telling.say("  starting the database")
    with installation(settings, fresh=wishes.fresh) as made:
        telling.say(f"  everything is kept in {made.folder}")
        fold = Fold(made.context)
        workers = Workers()
        try:
            _fill(made, wishes, telling, workers, fold)
            _present(made, wishes, telling, workers, fold, wait)
        finally:
            workers.stop()


def _fill(
    made: Composition, wishes: Wishes, telling: Telling, workers: Workers, fold: Fold
) -> None:
    """Take the business in if it is not there yet, and start what follows the journal."""
    business = Business(made, wishes.customers, wishes.seed)
    through_kafka = bool(made.settings.kafka_servers)
    if not business.plan.complete:
        plan = business.plan
        telling.say(f"  making up {plan.customers:,} people and two years up to {plan.until}")
        simulation = business.simulate()
        if through_kafka:
            _take_in_from_kafka(made, business, simulation, telling, workers)
        else:
            business.take_in(simulation, telling.bar)
        business.complete()
    elif through_kafka:
        workers.start("intake", _intake(made))
    if not is_same_fold(made, fold):
        telling.say("  the rules or parts are new: folding all customers anew")
        rebuild(made.conninfo, made.logs, made.context, workers=made.processes)
    workers.start("projection", projecting(made, fold))


def _intake(made: Composition) -> IntakeWorker:
    """Return a worker for the simulated sources: other topics of the register may not exist."""
    topics = tuple(profile.topic for profile in PROFILES)
    settings = msgspec.structs.replace(made.kafka_intake, topics=topics)
    return IntakeWorker(settings, made.conninfo, made.intake)


def _take_in_from_kafka(
    made: Composition,
    business: Business,
    simulation: Simulation,
    telling: Telling,
    workers: Workers,
) -> None:
    """Publish everything, and wait until it was received; the worker goes on afterwards."""
    seen = before = _received(made)
    sent = business.publish(simulation, telling.bar)
    intake = _intake(made)
    workers.start("intake", intake)
    give_up_at = time.monotonic() + _INTAKE_SECONDS_MAX
    with telling.bar("taking in messages from Kafka", sent) as advance:
        while seen < before + sent or any(one.lag for one in intake.metrics().partitions):
            workers.check()
            if time.monotonic() > give_up_at:
                message = (
                    f"expected {sent:,} messages from Kafka, found {seen - before:,} after "
                    f"{_INTAKE_SECONDS_MAX} s; look at 'vinculo accounts' and the broker's log"
                )
                raise VinculoError(message)
            time.sleep(_LOOK_SECONDS)
            now = _received(made)
            advance(now - seen)
            seen = now


def _received(made: Composition) -> int:
    """Return how many messages were received so far, by whichever channel."""
    with made.connect("vinculo demo") as connection:
        return reconcile(connection, made.logs.facts).total.received


def _present(
    made: Composition,
    wishes: Wishes,
    telling: Telling,
    workers: Workers,
    fold: Fold,
    wait: Wait,
) -> None:
    """Show what there is, then wait, or run the tour and leave."""
    with telling.bar("folding facts into customers", _facts(made)) as advance:
        lag = wait_until_current(made, workers, advance)
    workers.start("time", timekeeping(made))
    workers.start("earning", earning(made))
    answering = Answering(made, wishes.port)
    workers.start("api", answering)
    answering.wait_until_started(workers)
    with demo_key(made) as token:
        guide = Tour(answering.address, token)
        show_totals(made, telling, lag)
        stops = show_customers(made, telling, guide, fold)
        telling.tour(guide, stops, token)
        if wishes.leave:
            _walk(guide, stops, telling)
        else:
            telling.invite(answering.address)
            wait(workers.check)
            telling.say("  stopping")


def _walk(guide: Tour, stops: list[Stop], telling: Telling) -> None:
    """Send every request of the tour, over HTTP as anybody would."""
    telling.head("Running these requests")
    for stop in stops:
        guide.visit(stop)
        telling.say(f"  answered as expected ({stop.expected}): {stop.title}")


def _facts(made: Composition) -> int:
    with made.connect("vinculo demo") as connection:
        return head_of(connection, made.logs.facts)
