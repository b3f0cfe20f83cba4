"""Documents by the thousand: one query answers all who ask in the same tick of the event loop.

Rendered documents are kept, within a limit of bytes, by customer and row version. Each reading
asks the database for the version, so what is told is never older than the answer's coordinate; the
state travels only where the version is new, or time alone has changed what is shown.
"""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import blake2b

import msgspec
import psycopg
import structlog

from api.coordinates import Coordinate
from api.database import connect_async
from api.metrics import Metrics
from api.settings import ApiLimits
from projections.customer.reading.documents import Documents, Rendered, as_of_text
from projections.customer.reading.finding import (
    DOCUMENTS,
    UNSEEN,
    FoundRow,
    NotProjectedError,
    documents_values,
    not_projected,
    valid_until_of,
)

NOBODY = bytes(16)
"""No persona has this id: who asks for it asks for the coordinate alone."""

_KEPT_OVERHEAD_BYTES = 500
_log = structlog.get_logger(__name__)


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A rendered document, the row version it was rendered from, and its weak entity tag."""

    version: bytes
    rendered: Rendered
    etag: bytes


class Read(msgspec.Struct, frozen=True, gc=False):
    """What was read of one customer.

    Args:
        coordinate: at which it was read.
        position: the same, as a header.
        as_of: the instant of the reading, as the document shows it.
        customer_id: 16 bytes; None if nobody is known under the id that was asked for.
        kept: its document.

    """

    coordinate: Coordinate
    position: tuple[bytes, bytes]
    as_of: bytes
    customer_id: bytes | None
    kept: Kept | None


class DocumentCache:
    """Rendered documents by customer, the least recently read one leaving first.

    Args:
        bytes_max: of all documents together, with what goes with them.

    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._kept: dict[bytes, Kept] = {}

    def get(self, customer_id: bytes) -> Kept | None:
        """Return a customer's document, if it is kept; it is the most recent one now."""
        kept = self._kept.pop(customer_id, None)
        if kept is not None:
            self._kept[customer_id] = kept
        return kept

    def keep(self, customer_id: bytes, kept: Kept) -> None:
        """Keep a document in place of an older one."""
        old = self._kept.pop(customer_id, None)
        if old is not None:
            self._bytes -= _size(old)
        self._kept[customer_id] = kept
        self._bytes += _size(kept)
        while self._bytes > self._bytes_max and self._kept:
            self._bytes -= _size(self._kept.pop(next(iter(self._kept))))


def _size(kept: Kept) -> int:
    return len(kept.rendered.rest) + _KEPT_OVERHEAD_BYTES


Asked = dict[bytes, list["asyncio.Future[Read]"]]


class DocumentDesk:
    """Answer questions for documents.

    Args:
        conninfo: libpq's connection string or URL.
        log_id: of the tenant's facts log.
        documents: renders.
        limits: of batches, connections and the cache.
        clock: returns microseconds since 1970.
        metrics: counts.

    """

    def __init__(
        self,
        conninfo: str,
        log_id: int,
        documents: Documents,
        limits: ApiLimits,
        clock: Callable[[], int],
        metrics: Metrics,
    ) -> None:
        self._conninfo = conninfo
        self._log_id = log_id
        self._documents = documents
        self._limits = limits
        self._clock = clock
        self._metrics = metrics
        self._cache = DocumentCache(limits.cached_documents_bytes_max)
        schema = msgspec.json.encode(msgspec.json.schema(documents.type))
        self._flavour = blake2b(schema + documents.fold.name.encode(), digest_size=16).digest()
        self._asked: Asked = {}
        self._wanted = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._tasks = [
            self._loop.create_task(self._serve()) for _ in range(limits.reader_connections)
        ]

    def ask(self, persona_id: bytes) -> asyncio.Future[Read]:
        """Return the future reading of a customer, by any of its personas.

        It fails with ``psycopg.Error`` if the database is away, and with ``NotProjectedError`` if
        there is no live view.
        """
        future: asyncio.Future[Read] = self._loop.create_future()
        waiting = self._asked.get(persona_id)
        if waiting is None:
            self._asked[persona_id] = [future]
            self._wanted.set()
        else:
            waiting.append(future)
        return future

    async def close(self) -> None:
        """End; who still waits is told that the database is away."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        _fail(self._asked, psycopg.OperationalError("the process is stopping"))

    async def _serve(self) -> None:
        connection: psycopg.AsyncConnection | None = None
        try:
            while True:
                await self._wanted.wait()
                connection = await self._answer_batch(connection, self._take())
        finally:
            if connection is not None:
                await connection.close()

    def _take(self) -> Asked:
        asked, most = self._asked, self._limits.batch_reads_max
        if len(asked) <= most:
            self._asked = {}
            self._wanted.clear()
            return asked
        return {persona_id: asked.pop(persona_id) for persona_id in list(asked)[:most]}

    async def _answer_batch(
        self, connection: psycopg.AsyncConnection | None, batch: Asked
    ) -> psycopg.AsyncConnection | None:
        if not batch:
            return connection
        fresh = connection is None or connection.closed
        try:
            if connection is None or connection.closed:
                connection = await connect_async(self._conninfo, self._limits.statement_seconds)
            await self._answer(connection, batch)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if not fresh and connection is not None and connection.closed:
                # The server was restarted since the last query: this one is asked once more.
                return await self._answer_batch(None, batch)
            _log.warning("documents.database_away", error=type(error).__name__)
            _fail(batch, error)
        except asyncio.CancelledError:
            _fail(batch, psycopg.OperationalError("the process is stopping"))
            raise
        except Exception as error:  # noqa: BLE001 - whoever asked is told, the others go on
            _fail(batch, error)
        return connection

    async def _answer(self, connection: psycopg.AsyncConnection, batch: Asked) -> None:
        now = self._clock()
        known = {persona_id: self._known(persona_id, now) for persona_id in batch}
        asked = [
            (persona_id, UNSEEN if kept is None else kept.version)
            for persona_id, kept in known.items()
        ]
        cursor = connection.cursor(binary=True)
        await cursor.execute(DOCUMENTS, documents_values(self._log_id, asked), prepare=True)
        rows = await cursor.fetchall()
        if not rows:
            raise NotProjectedError(not_projected(self._log_id))
        self._metrics.document_batches += 1
        self._metrics.documents_asked += len(rows)
        coordinate = Coordinate(rows[0][2], rows[0][3])
        position, as_of = coordinate.header(), as_of_text(now)
        for row in rows:
            waiting = batch.pop(row[0])
            try:
                kept = self._kept(row, known[row[0]], now)
            except Exception as error:  # noqa: BLE001 - one customer's defect is not the others'
                _fail({row[0]: waiting}, error)
                continue
            read = Read(coordinate, position, as_of, row[1], kept)
            for future in waiting:
                if not future.done():
                    future.set_result(read)

    def _known(self, persona_id: bytes, now: int) -> Kept | None:
        kept = self._cache.get(persona_id)
        return kept if kept is not None and now < kept.rendered.holds_until else None

    def _kept(self, row: tuple[object, ...], known: Kept | None, now: int) -> Kept | None:
        found = FoundRow(*row)  # type: ignore[arg-type]
        if found.customer_id is None:
            return None
        if found.state is None:
            assert known is not None, "only who sends a version gets no state"  # noqa: S101
            return known
        assert found.version is not None, "a row has a version"  # noqa: S101
        documents = self._documents
        rendered = documents.render(
            found.customer_id, found.state, found.members, now, valid_until_of(found.version)
        )
        self._metrics.documents_rendered += 1
        kept = Kept(found.version, rendered, self._etag(found.version, rendered.holds_until))
        if rendered.holds_until > now:
            self._cache.keep(found.customer_id, kept)
        return kept

    def _etag(self, version: bytes, holds_until: int) -> bytes:
        """Return a weak tag: two readings with it differ in ``as_of`` alone."""
        named = version + holds_until.to_bytes(8, signed=True)
        digest = blake2b(named, digest_size=12, key=self._flavour).digest()
        return b'W/"' + urlsafe_b64encode(digest) + b'"'


def _fail(asked: Asked, error: BaseException) -> None:
    for waiting in asked.values():
        for future in waiting:
            if not future.done():
                future.set_exception(error)
    asked.clear()
