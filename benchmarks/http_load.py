"""An HTTP load generator in a process of its own, over keep-alive connections to 127.0.0.1."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from random import Random
from secrets import token_hex
from typing import cast

import msgspec
import uvloop

from benchmarks.harness import quiet_collector
from benchmarks.kafka_reading import stop

HOST = "127.0.0.1"
_SPAWN = get_context("spawn")
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_FINE = (b"HTTP/1.1 200", b"HTTP/1.1 201")
_DRAIN_SECONDS = 5.0
_RUN = token_hex(8)
"""Of the generating process: no two of them share a key."""
_keys = count()
_TICK_SECONDS = 0.001


class Phase(msgspec.Struct, frozen=True):
    """What to ask for.

    Args:
        path: of a static response; empty asks for documents at random; ``{id}`` in it stands for
            an id at random.
        seconds: for how long.
        rate: requests a second; 0 asks again as soon as an answer is there.
        body: JSON to POST, under a key of its own for every request; empty asks by GET.
        key: the same key for all of them, if one is given.

    """

    path: str
    seconds: float
    rate: float = 0.0
    body: bytes = b""
    key: str = ""


class Answered(msgspec.Struct):
    """What came back.

    Args:
        seconds: how long it took.
        answers: with status 200 or 201.
        failures: all others, and those that never came.
        bytes_read: of all bodies.
        milliseconds: from when each was due, at a fixed rate; of what was posted from when it
            was sent, where the next is sent as soon as an answer is there.

    """

    seconds: float = 0.0
    answers: int = 0
    failures: int = 0
    bytes_read: int = 0
    milliseconds: list[float] = []

    @property
    def rate(self) -> float:
        """Return good answers a second."""
        return self.answers / self.seconds if self.seconds else 0.0


class LoadGenerator:
    """The generating process, seen from the benchmark.

    Args:
        port: of the server.
        connections: kept open.
        token: of an API key, None to ask without one.
        ids: of customers, 16 bytes each, joined.

    """

    def __init__(self, port: int, connections: int, token: str | None, ids: bytes) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_serve, args=(theirs, port, connections, token, ids), daemon=True
        )
        self._process.start()

    def run(self, phase: Phase) -> Answered:
        """Ask for a while and return what came back."""
        self._pipe.send(phase)
        found = self._pipe.recv()
        assert isinstance(found, Answered)
        return found

    def close(self) -> None:
        """End the process."""
        stop([self._process])


class _Client(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._buffer = b""
        self._due_at = 0.0
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def ask(self, request: bytes, due_at: float) -> None:
        self.busy, self._due_at = True, due_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(_HEAD_END)
        length = _length(buffer[:end]) if end >= 0 else 0
        if end < 0 or len(buffer) < end + 4 + length:
            self._buffer = buffer
            return
        self._buffer, self.busy = b"", False
        self._load.answered(self, buffer.startswith(_FINE), length, self._due_at)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self.busy:
            self._load.result.failures += 1


class _Drawn:
    """Customers drawn evenly, the draws going on from phase to phase.

    Were each phase to begin them anew, it would ask for those that the one before has left in the
    server's cache.
    """

    def __init__(self, ids: bytes) -> None:
        self._ids = ids
        self._random = Random(5)

    def next(self) -> str:
        at = 16 * self._random.randrange(len(self._ids) // 16)
        digits = self._ids[at : at + 16].hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class _Load:
    """One phase."""

    def __init__(self, phase: Phase, head: bytes, drawn: _Drawn, clients: list[_Client]) -> None:
        self.result = Answered(milliseconds=[])
        self._phase = phase
        self._head = head
        self._drawn = drawn
        self._clients = clients
        self._idle: deque[_Client] = deque()
        self._due: deque[float] = deque()
        self._ends_at = 0.0

    def request(self) -> bytes:
        """Return the next request."""
        phase = self._phase
        path = phase.path or "/v1/customers/{id}"
        if "{id}" in path:
            path = path.replace("{id}", self._drawn.next())
        if not phase.body:
            return b"GET " + path.encode() + self._head
        key = phase.key or f"{_RUN}-{next(_keys)}"
        stated = f"Idempotency-Key: {key}\r\nContent-Length: {len(phase.body)}\r\n\r\n"
        return b"POST " + path.encode() + self._head[:-2] + stated.encode() + phase.body

    def answered(self, client: _Client, fine: bool, length: int, due_at: float) -> None:  # noqa: FBT001 - a protocol's callback
        """Count an answer, and send the connection's next request."""
        now = time.perf_counter()
        result = self.result
        if fine and length:
            result.answers += 1
            result.bytes_read += length
        else:
            result.failures += 1
        if self._phase.rate or self._phase.body:
            result.milliseconds.append((now - due_at) * 1_000)
        if self._phase.rate:
            self._idle.append(client)
            self._hand_out()
        elif now < self._ends_at:
            client.ask(self.request(), now)

    async def run(self) -> Answered:
        """Ask for the time of the phase."""
        began = time.perf_counter()
        self._ends_at = began + self._phase.seconds
        if self._phase.rate:
            await self._pace(began)
        else:
            for client in self._clients:
                client.ask(self.request(), began)
            await asyncio.sleep(self._phase.seconds)
        self.result.seconds = time.perf_counter() - began
        give_up_at = time.perf_counter() + _DRAIN_SECONDS
        while any(one.busy for one in self._clients) or self._due:
            if time.perf_counter() > give_up_at:
                self.result.failures += len(self._due) + sum(one.busy for one in self._clients)
                break
            await asyncio.sleep(_TICK_SECONDS)
        return self.result

    async def _pace(self, began: float) -> None:
        self._idle.extend(self._clients)
        number, rate = 0, self._phase.rate
        while (now := time.perf_counter()) < self._ends_at:
            while began + number / rate <= now:
                self._due.append(began + number / rate)
                number += 1
            self._hand_out()
            await asyncio.sleep(_TICK_SECONDS)

    def _hand_out(self) -> None:
        while self._due and self._idle:
            self._idle.popleft().ask(self.request(), self._due.popleft())


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(_LENGTH)
    if at < 0:
        return 0
    return int(lower[at + len(_LENGTH) :].split(b"\r", 1)[0])


def _serve(pipe: Connection, port: int, connections: int, token: str | None, ids: bytes) -> None:
    key = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f" HTTP/1.1\r\nHost: {HOST}:{port}\r\n{key}\r\n".encode()
    drawn = _Drawn(ids)
    quiet_collector()
    while True:
        phase = pipe.recv()
        pipe.send(uvloop.run(_run(phase, head, drawn, port, connections)))


async def _run(phase: Phase, head: bytes, drawn: _Drawn, port: int, connections: int) -> Answered:
    loop = asyncio.get_running_loop()
    clients: list[_Client] = []
    load = _Load(phase, head, drawn, clients)
    for _ in range(connections):
        _, client = await loop.create_connection(lambda: _Client(load), HOST, port)
        clients.append(client)
    found = await load.run()
    for client in clients:
        client._transport.close()  # noqa: SLF001 - our own
    return found
