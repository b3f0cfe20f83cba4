"""Documents by the thousand: one query answers all who ask in the same tick of the event loop.

Rendered documents are kept, within a limit of bytes, by customer and row version. Each reading
asks the database for the version, so what is told is never older than the answer's coordinate; the
state travels only where the version is new, or time alone has changed what is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import blake2b

import msgspec
import psycopg
import structlog

from api.coordinates import Coordinate
from api.database import connect_async
from api.metrics import Metrics
from api.settings import ApiLimits
from projections.customer.reading.documents import (
    Documents,
    Rendered,
    Stored,
    as_of_text,
)
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
        flavour = blake2b(schema + documents.fold.name.encode(), digest_size=6)
        self._flavour = flavour.hexdigest().encode()
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
        found = [FoundRow(*row) for row in await cursor.fetchall()]
        if not found:
            raise NotProjectedError(not_projected(self._log_id))
        self._metrics.document_batches += 1
        self._metrics.documents_asked += len(found)
        fresh = self._rendered([row for row in found if row.state is not None], now)
        coordinate = Coordinate(found[0].facts, found[0].decisions)
        position, as_of = coordinate.header(), as_of_text(now)
        for row in found:
            kept = known[row.asked] if row.state is None else fresh[row.asked]
            waiting = batch.pop(row.asked)
            if isinstance(kept, Exception):
                _fail({row.asked: waiting}, kept)
                continue
            read = Read(coordinate, position, as_of, row.customer_id, kept)
            for future in waiting:
                if not future.done():
                    future.set_result(read)

    def _known(self, persona_id: bytes, now: int) -> Kept | None:
        kept = self._cache.get(persona_id)
        return kept if kept is not None and now < kept.rendered.holds_until else None

    def _rendered(self, found: list[FoundRow], now: int) -> dict[bytes, Kept | Exception]:
        """Render rows and keep them; one customer's defect is not the others'."""
        stored = [_stored(row) for row in found]
        rendered: list[Rendered | Exception] = []
        try:
            rendered += self._documents.render_all(stored, now)
        except Exception:  # noqa: BLE001 - found out below whose defect it is
            rendered = [self._attempt(one, now) for one in stored]
        self._metrics.documents_rendered += len(rendered)
        return {
            row.asked: one if isinstance(one, Exception) else self._keep(row, one, now)
            for row, one in zip(found, rendered, strict=True)
        }

    def _attempt(self, stored: Stored, now: int) -> Rendered | Exception:
        try:
            return self._documents.render(stored, now)
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            return error

    def _keep(self, row: FoundRow, rendered: Rendered, now: int) -> Kept:
        version, holds_until = row.version or b"", rendered.holds_until
        # Two readings with this tag differ in as_of alone.
        etag = b'W/"%b-%b-%x"' % (self._flavour, version.hex().encode(), holds_until)
        kept = Kept(version, rendered, etag)
        if holds_until > now:
            self._cache.keep(row.customer_id or b"", kept)
        return kept


def _stored(row: FoundRow) -> Stored:
    assert row.customer_id is not None, "a state is somebody's"  # noqa: S101
    assert row.state is not None, "only who sends a version gets no state"  # noqa: S101
    assert row.version is not None, "a row has a version"  # noqa: S101
    return Stored(row.customer_id, row.state, row.members, valid_until_of(row.version))


def _fail(asked: Asked, error: BaseException) -> None:
    for waiting in asked.values():
        for future in waiting:
            if not future.done():
                future.set_exception(error)
    asked.clear()
