"""Who asks: keys looked up by their hash, remembered for a few seconds."""

from __future__ import annotations

import asyncio
import time

from api.database import Desk
from api.keys import Holder, digest_of, find_holder
from api.problems import Problem
from api.settings import ApiLimits

_BEARER = b"bearer "
_CHALLENGE = ((b"www-authenticate", b'Bearer realm="vinculo"'),)


class Keyring:
    """Tell holders of keys.

    Args:
        desk: asks the database.
        tenant: whose keys open something here.
        limits: how long and how many keys are remembered.

    """

    def __init__(self, desk: Desk, tenant: str, limits: ApiLimits) -> None:
        self._desk = desk
        self._tenant = tenant
        self._limits = limits
        self._known: dict[bytes, tuple[Holder | None, float]] = {}
        self._asked: dict[bytes, asyncio.Task[Holder | None]] = {}

    async def holder(self, authorization: bytes | None) -> Holder:
        """Return who holds the key of an ``Authorization`` header.

        Raises:
            Problem: 401, if there is no such key, or it was revoked.

        """
        if authorization is None:
            raise _unauthorised("a request without one")
        if authorization[:7].lower() != _BEARER:
            raise _unauthorised("another scheme than Bearer")
        digest = digest_of(authorization[7:].strip())
        if digest is None:
            raise _unauthorised("a token of another form")
        known = self._known.get(digest)
        if known is not None and known[1] > time.monotonic():
            holder = known[0]
        else:
            holder = await self._look_up(digest)
        if holder is None:
            raise _unauthorised("one that is unknown, revoked or of another tenant")
        return holder

    async def _look_up(self, digest: bytes) -> Holder | None:
        task = self._asked.get(digest)
        if task is None:
            question = self._desk.run(find_holder, self._tenant, digest)
            task = self._asked[digest] = asyncio.create_task(question)
            task.add_done_callback(lambda _: self._asked.pop(digest, None))
        holder = await asyncio.shield(task)
        if len(self._known) >= self._limits.keys_max:
            self._known.clear()
        self._known[digest] = (holder, time.monotonic() + self._limits.key_seconds)
        return holder


def _unauthorised(found: str) -> Problem:
    return Problem(
        401,
        "no_key",
        expected="an API key in the header 'Authorization: Bearer …'",
        found=found,
        do="have one made with 'vinculo keys create'",
        headers=_CHALLENGE,
    )
