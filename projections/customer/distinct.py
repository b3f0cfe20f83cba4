"""How many different codes there were, in at most 192 bytes, whatever their number.

The *k minimum values* of Bar-Yossef et al. (2002): each code is hashed to a number that looks
random, and the 64 least are kept. Fewer than 64 are simply counted; beyond that, the 64th least
of n evenly spread numbers lies near 64 / n of the range, which gives n within about an eighth.
The least of a set are the same whatever the order, so sketches are canonical.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

KEPT_MAX = 64
_WIDTH = 3  # bytes a hash: two of 64 codes meet with a probability of 1 : 8,000
_RANGE: int = 2 ** (8 * _WIDTH)
_FULL = KEPT_MAX * _WIDTH
_HASHES_CACHED_MAX = 65_536


def add(sketch: bytearray, code: str) -> None:
    """Take a code into a sketch, in place. A new sketch is an empty bytearray."""
    mark = _hash(code)
    if mark > sketch[-_WIDTH:]:  # nothing at all comes before every mark
        if len(sketch) < _FULL:
            sketch += mark
        return
    place = sketch.find(mark)
    while place > 0 and place % _WIDTH:
        place = sketch.find(mark, place + 1)
    if place < 0:
        _insert(sketch, mark)


def count(sketch: bytes | bytearray) -> int:
    """Return the number of different codes; an estimate, rounded down, unless :func:`is_exact`."""
    if is_exact(sketch):
        return len(sketch) // _WIDTH
    greatest = int.from_bytes(sketch[-_WIDTH:], "big")
    return (KEPT_MAX - 1) * _RANGE // greatest


def is_exact(sketch: bytes | bytearray) -> bool:
    """Say whether :func:`count` counts rather than estimates."""
    return len(sketch) < _FULL


@lru_cache(_HASHES_CACHED_MAX)
def _hash(code: str) -> bytes:
    return blake2b(code.encode(), digest_size=_WIDTH).digest()


def _insert(sketch: bytearray, mark: bytes) -> None:
    low, high = 0, len(sketch) // _WIDTH
    while low < high:
        middle = (low + high) // 2
        start = middle * _WIDTH
        if sketch[start : start + _WIDTH] < mark:
            low = middle + 1
        else:
            high = middle
    start = low * _WIDTH
    sketch[start:start] = mark
    del sketch[_FULL:]
