"""Event ids as real systems make them: UUIDv7, ULID, and plain numbers; drawn from a seed."""

from __future__ import annotations

from random import Random

_MILLISECOND = 1_000
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(left + right for left in _CROCKFORD for right in _CROCKFORD)
_PAIR_SHIFTS = tuple(range(120, -1, -10))
_PAIR_MASK = 0x3FF


def uuid7(instant: int, random: Random) -> str:
    """Return a UUID of version 7 (RFC 9562, section 5.7).

    Args:
        instant: microseconds since 1970-01-01T00:00Z; its milliseconds lead the id.
        random: where the other 74 bits come from.

    """
    milliseconds = instant // _MILLISECOND
    high = milliseconds << 16 | 0x7000 | random.getrandbits(12)
    low = 1 << 63 | random.getrandbits(62)
    digits = f"{high:016x}{low:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def ulid(instant: int, random: Random) -> str:
    """Return a ULID: 48 bits of milliseconds and 80 random ones, in Crockford's base 32."""
    value = instant // _MILLISECOND << 80 | random.getrandbits(80)
    return "".join([_PAIRS[value >> shift & _PAIR_MASK] for shift in _PAIR_SHIFTS])
