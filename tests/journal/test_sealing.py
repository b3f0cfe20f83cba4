"""Sealing: what is sealed opens with its own key, in its own place, unchanged, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import VinculoError
from journal.sealing import KEY_BYTES, NONCE_BYTES, SealBrokenError, TenantSecret, seal, unseal

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
HERE, THERE = b"entry 1", b"entry 2"


@given(st.binary(max_size=300), st.binary(max_size=32), st.integers(1, 255))
def test_what_was_sealed_opens_in_its_own_place(
    plain: bytes, place: bytes, generation: int
) -> None:
    block = seal(KEY, generation, plain, place)
    assert plain == unseal(KEY, block, place)
    assert generation == block[0]
    assert 1 + NONCE_BYTES + len(plain) + 16 == len(block)


def test_a_block_does_not_open_with_another_key() -> None:
    with pytest.raises(SealBrokenError, match="secret"):
        unseal(OTHER_KEY, seal(KEY, 1, b"Ana", HERE), HERE)


def test_a_block_does_not_open_in_another_entry() -> None:
    with pytest.raises(SealBrokenError):
        unseal(KEY, seal(KEY, 1, b"Ana", HERE), THERE)


def test_no_byte_of_what_is_sealed_can_be_changed_unnoticed() -> None:
    block = seal(KEY, 1, b"Ana Maria", HERE)
    for at in range(1, len(block)):
        tampered = block[:at] + bytes((block[at] ^ 1,)) + block[at + 1 :]
        with pytest.raises(SealBrokenError):
            unseal(KEY, tampered, HERE)


@pytest.mark.parametrize("kept", [10, 13, 14, 28])
def test_a_block_that_was_cut_does_not_open(kept: int) -> None:
    with pytest.raises(SealBrokenError):
        unseal(KEY, seal(KEY, 1, b"Ana Maria", HERE)[:kept], HERE)


@pytest.mark.parametrize("kept", [0, 1, 5])
def test_a_block_that_was_cut_within_its_nonce_does_not_open(kept: int) -> None:
    with pytest.raises(SealBrokenError):
        unseal(KEY, seal(KEY, 1, b"Ana Maria", HERE)[:kept], HERE)


def test_the_same_words_never_look_the_same_twice() -> None:
    blocks = {seal(KEY, 1, b"Ana", HERE) for _ in range(100)}
    assert 100 == len(blocks)
    assert 100 == len({block[1 : 1 + NONCE_BYTES] for block in blocks})


def test_the_words_do_not_stand_in_the_block() -> None:
    assert b"Ana Maria" not in seal(KEY, 1, b"Ana Maria" * 9, HERE)


@pytest.mark.parametrize("length", [0, 1, KEY_BYTES - 1])
def test_a_secret_that_is_too_short_is_refused(length: int) -> None:
    with pytest.raises(VinculoError, match=f"at least 32 bytes, found {length}"):
        TenantSecret(bytes(length))


def test_what_a_tenant_wrapped_only_that_tenant_unwraps_and_only_for_its_purpose() -> None:
    mine, other = TenantSecret(KEY), TenantSecret(OTHER_KEY)
    wrapped = mine.wrap(b"a key", HERE)
    assert b"a key" == TenantSecret(KEY).unwrap(wrapped, HERE)
    with pytest.raises(SealBrokenError):
        other.unwrap(wrapped, HERE)
    with pytest.raises(SealBrokenError):
        mine.unwrap(wrapped, THERE)


def test_keys_for_different_purposes_differ_from_each_other_and_from_the_secret() -> None:
    secret = TenantSecret(KEY)
    with pytest.raises(SealBrokenError):
        unseal(secret.digest_key, secret.wrap(b"a key", HERE), HERE)
    with pytest.raises(SealBrokenError):
        unseal(KEY, secret.wrap(b"a key", HERE), HERE)
    assert KEY != secret.digest_key


def test_the_key_of_content_digests_never_changes() -> None:
    golden = "00c602e055a7eab84dc26ff13b1df6c9f873cc66efa3d7070ea3bd31f4fd2834"
    assert golden == TenantSecret(KEY).digest_key.hex()


def test_what_was_wrapped_by_the_first_version_still_opens() -> None:
    wrapped = bytes.fromhex(
        "011ab58bae78ef82d4554a5073b329cba2751dbe0fb2f7a8c7241f922eae"
        "42ff18e6e15c59e51dd95825609ea8bb"
    )
    assert b"a key of long ago" == TenantSecret(KEY).unwrap(wrapped, b"persona")


def test_a_broken_seal_is_one_of_our_own_errors_and_keeps_its_cause() -> None:
    with pytest.raises(VinculoError) as caught:
        unseal(OTHER_KEY, seal(KEY, 1, b"Ana", HERE), HERE)
    assert caught.value.__cause__ is not None
