"""Digests of the customer view: the same coordinate and fold give the same 32 bytes.

    row digest      = SHA-256(customer_id || instants || flags || stage || state)
    range digest    = SHA-256(row digests of the customers whose id begins with one byte, sorted)
    identity digest = SHA-256(memberships, sorted)
    view digest     = SHA-256(range digests 0 to 255 || identity digest)

so that ranges can be folded apart, by any number of workers, and a difference is found by range.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from journal.connecting import POSTGRES_EPOCH_MICROSECONDS
from projections.customer.store import CustomerRow, StoredRow

RANGES = 256
_NEVER = 2**63 - 1


def bounds(number: int) -> tuple[bytes, bytes]:
    """Return the least and the greatest customer_id of a range."""
    first = bytes((number,))
    return first + bytes(15), first + b"\xff" * 15


def stored_row_digest(row: StoredRow) -> bytes:
    """Return the digest of a row as it is stored."""
    customer_id, state, *instants, stage, at_risk, anonymous = row
    from_the_servers_epoch = (
        None if instant is None else instant + POSTGRES_EPOCH_MICROSECONDS for instant in instants
    )
    return _digest(customer_id, state, from_the_servers_epoch, stage, bytes((at_risk, anonymous)))


def row_digest(row: CustomerRow) -> bytes:
    """Return the digest of a row as it was folded."""
    instants = (row.valid_until, row.stage_since, row.last_seen_at, row.last_purchase_at)
    flags = bytes((row.at_risk, row.anonymous))
    return _digest(row.customer_id, row.state, instants, row.stage, flags)


def range_digest(row_digests: Iterable[bytes]) -> bytes:
    """Return the digest of a range from its rows' digests, sorted by customer_id."""
    return sha256(b"".join(row_digests)).digest()


def identity_digest(memberships: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the digest of who is who: (persona_id, customer_id), sorted.

    Links are not in it, for a link that was undone must leave no trace; verify compares them apart.
    """
    return sha256(b"".join(persona + customer for persona, customer in memberships)).digest()


def view_digest(range_digests: Sequence[bytes], identity: bytes) -> str:
    """Return the digest of the view, 64 hexadecimal digits."""
    assert len(range_digests) == RANGES, "every range counts, the empty ones too"  # noqa: S101
    return sha256(b"".join(range_digests) + identity).hexdigest()


def _digest(
    customer_id: bytes,
    state: bytes,
    instants: Iterable[int | None],
    stage: str | None,
    flags: bytes,
) -> bytes:
    moments = b"".join(
        (_NEVER if instant is None else instant).to_bytes(8, signed=True) for instant in instants
    )
    name = (stage or "").encode()
    return sha256(customer_id + moments + flags + bytes((len(name),)) + name + state).digest()
