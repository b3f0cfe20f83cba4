"""Sealing: AES-256-GCM with random nonces, under a subject's own key or the tenant's.

A sealed block is ``generation (1 byte) || nonce (12 bytes) || ciphertext and tag``.
"""

from __future__ import annotations

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import VinculoError

KEY_BYTES = 32
NONCE_BYTES = 12
_FIRST = b"\x01"


class SealBrokenError(VinculoError):
    """A sealed block does not open: another key, other bytes, or bound to another entry."""


def seal(
    key: bytes, generation: int, plain: bytes, bound_to: bytes, nonce: bytes | None = None
) -> bytes:
    """Return a sealed block.

    Args:
        key: 32 bytes.
        generation: of the key, 1 to 255.
        plain: what to hide.
        bound_to: what the block belongs to; it opens nowhere else.
        nonce: 12 random bytes that were never used before, for callers that draw many at once.

    """
    if nonce is None:
        nonce = os.urandom(NONCE_BYTES)
    return bytes((generation,)) + nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def unseal(key: bytes, block: bytes, bound_to: bytes) -> bytes:
    """Return what a sealed block hides.

    Raises:
        SealBrokenError: if it does not open with this key for this purpose.

    """
    return _open(AESGCM(key), block, bound_to)


class Nonces:
    """Random nonces, drawn from the system all at once; each is used for one block.

    Args:
        count: how many will be drawn.

    """

    def __init__(self, count: int) -> None:
        random = os.urandom(NONCE_BYTES * count)
        self._nonces = [random[at : at + NONCE_BYTES] for at in range(0, len(random), NONCE_BYTES)]
        self.draw = self._nonces.pop


class TenantSecret:
    """The secret of a tenant and what is derived from it. Kept outside PostgreSQL (ruling 19).

    Args:
        secret: at least 32 random bytes.

    Raises:
        VinculoError: if the secret is shorter.

    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < KEY_BYTES:
            message = f"tenant secret: expected at least {KEY_BYTES} bytes, found {len(secret)}"
            raise VinculoError(message)
        self.secret = secret
        self.digest_key = hmac.digest(secret, b"vinculo content digest v1", "sha256")
        self._cipher = AESGCM(hmac.digest(secret, b"vinculo wrapping v1", "sha256"))

    def wrap(self, plain: bytes, bound_to: bytes) -> bytes:
        """Return a key (and what goes with it) sealed under the tenant's wrapping key."""
        nonce = os.urandom(NONCE_BYTES)
        return _FIRST + nonce + self._cipher.encrypt(nonce, plain, bound_to)

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return what was wrapped.

        Raises:
            SealBrokenError: if it was wrapped under another tenant's secret.

        """
        return _open(self._cipher, wrapped, bound_to)


def _open(cipher: AESGCM, block: bytes, bound_to: bytes) -> bytes:
    nonce, hidden = block[1 : 1 + NONCE_BYTES], block[1 + NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, hidden, bound_to)
    except (InvalidTag, ValueError) as error:  # another key, or a block that was cut
        message = (
            f"expected a block sealed under this key, found {len(block)} bytes that do not open; "
            "check that the tenant's secret is the one they were sealed with"
        )
        raise SealBrokenError(message) from error
