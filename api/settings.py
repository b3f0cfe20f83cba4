"""The settings of the API: one struct, made once by whoever composes the product."""

from __future__ import annotations

import msgspec

from journal.intake.writer import WriterLimits
from journal.sources import SourceRegister
from projections.customer.part import Context

_MEBIBYTE = 1024 * 1024


class ApiLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits; whoever meets one is told its name and value.

    Args:
        body_bytes_max: of a request.
        event_bytes_max: of one event.
        events_max: events a request.
        depth_max: nesting of a request's JSON.
        identifiers_max: identifiers a look-up.
        page_max: lines a page.
        page_default: lines a page where none is asked for.
        wait_seconds: how long a reader waits for ``Vinculo-Min-Position``.
        poll_seconds: how often the position is looked at while somebody waits.
        statement_seconds: how long one query may take.
        stuck_seconds: a projection that reads nothing for so long, though facts wait, is stuck.
        key_seconds: how long a key is remembered before it is looked up again.
        keys_max: keys that are remembered.
        batch_reads_max: documents a query.
        reader_connections: queries for documents that run at the same time: while one is on its
            way, the answers of the other are rendered.
        reader_threads: other queries that run at the same time.
        cached_documents_bytes_max: rendered documents that are kept.
        rules_seconds: how old the rules may be by which tiers are shown; nothing is decided so.

    """

    body_bytes_max: int = 8 * _MEBIBYTE
    event_bytes_max: int = 256 * 1024
    events_max: int = 1_000
    depth_max: int = 32
    identifiers_max: int = 1_000
    page_max: int = 500
    page_default: int = 100
    wait_seconds: float = 5.0
    poll_seconds: float = 0.02
    statement_seconds: float = 10.0
    stuck_seconds: float = 30.0
    key_seconds: float = 10.0
    keys_max: int = 10_000
    batch_reads_max: int = 32
    reader_connections: int = 2
    reader_threads: int = 4
    cached_documents_bytes_max: int = 64 * _MEBIBYTE
    rules_seconds: float = 1.0


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an API process needs to know. It serves one tenant.

    Args:
        conninfo: libpq's connection string or URL of the journal and the views.
        tenant: whose data are served; keys of other tenants open nothing here.
        secret: the tenant's, at least 32 bytes; it is in no log and no representation of this.
        sources: who may publish what.
        context: of the fold, the same as the projecting worker's.
        limits: of requests and caches.
        writer: limits of the writer that touchpoints share.
        ledger: limits of the writer that orders of the points ledger share.

    """

    conninfo: str
    tenant: str
    secret: bytes
    sources: SourceRegister
    context: Context
    limits: ApiLimits = ApiLimits()
    writer: WriterLimits = WriterLimits()
    ledger: WriterLimits = WriterLimits()

    def __repr__(self) -> str:
        return f"ApiSettings(tenant={self.tenant!r}, secret and conninfo hidden)"
