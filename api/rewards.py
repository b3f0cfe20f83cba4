"""The reward catalogue over HTTP: what points can be spent on now, and how much of it is left."""

from __future__ import annotations

from datetime import datetime

import msgspec
import psycopg

from api.answers import Answer, json_answer
from api.calls import Call
from api.problems import not_found
from api.services import Services
from domain.programmes.format import Reward
from journal.ledger.rewards import rewards_taken
from journal.ledger.spending import is_valid
from projections.customer.shown import moment


class RewardShown(msgspec.Struct, frozen=True):
    """One reward.

    Args:
        code: by which it is named.
        name: as customers see it.
        currency: of the points.
        points: what it costs.
        stock: how many there are in all; null for no limit.
        left: how many of them are left; null for no limit.
        valid_from: null for since ever.
        valid_until: null for never.
        to_be_had: whether it can be had now.

    """

    code: str
    name: str | None
    currency: str
    points: int
    stock: int | None
    left: int | None
    valid_from: datetime | None
    valid_until: datetime | None
    to_be_had: bool


class Catalogue(msgspec.Struct, frozen=True):
    """The rewards of the version in force.

    Args:
        programme: code of the programme.
        version: name of the version.
        as_of: the instant of the answer.
        rewards: in the order of the version.

    """

    programme: str
    version: str
    as_of: datetime
    rewards: tuple[RewardShown, ...]


async def list_rewards(call: Call) -> Answer:
    """Tell the catalogue."""
    services, code = call.services, call.scope["path_params"]["code"]
    catalogue = await services.desk.snapshot(_catalogue, services, code)
    if catalogue is None:
        raise not_found("the code of a programme with a version in force", "see /v1/programmes")
    return json_answer(catalogue)


def _catalogue(connection: psycopg.Connection, services: Services, code: str) -> Catalogue | None:
    now = services.clock()
    rulebook, _ = services.accounts.rules(connection)
    version = rulebook.in_force(code, now)
    if version is None:
        return None
    taken = rewards_taken(connection, services.logs.decisions, code)
    listed = version.written.rewards
    rewards = tuple(_reward(one, taken.get(one.code, 0), now) for one in listed)
    return Catalogue(code, version.version, moment(now), rewards)


def _reward(reward: Reward, taken: int, now: int) -> RewardShown:
    left = None if reward.stock is None else max(0, reward.stock - taken)
    return RewardShown(
        code=reward.code,
        name=reward.name,
        currency=reward.currency,
        points=reward.points,
        stock=reward.stock,
        left=left,
        valid_from=reward.valid_from,
        valid_until=reward.valid_until,
        to_be_had=is_valid(reward, now) and left != 0,
    )
