import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.loyalty.programmes import Programme, ProgrammeError, ProgrammeRegister
from domain.loyalty.statements import (
    EARNED,
    REDEEMED,
    Statement,
    StatementsUnreadableError,
    pack,
    pack_all,
    unpack,
)

# Years 1 to 9999, the range of what can be written as a moment.
instants = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999) | st.integers(
    -62_135_596_800, 253_402_300_799
).map(lambda second: second * 1_000_000)
instants = instants | st.integers(-(10**12), 10**13).map(lambda millisecond: millisecond * 1_000)
statements = st.builds(
    Statement,
    at=instants,
    sequence=st.integers(-1, 2**63 - 1),
    entry_id=st.binary(min_size=16, max_size=16),
    kind=st.integers(0, 3),
    points=st.integers(-(2**53) + 1, 2**53 - 1),
    expires_at=st.none() | instants,
    active_from=st.none() | instants,
)


@given(st.lists(statements, max_size=40))
def test_what_is_packed_is_unpacked_unchanged(expected: list[Statement]) -> None:
    assert expected == unpack(pack_all(expected), len(expected))


def test_a_statement_takes_29_bytes_in_whole_seconds_and_5_more_for_an_expiry() -> None:
    now, microseconds, later = 1_700_000_000_000_000, 1_700_000_000_123_456, 1_800_000_000_000_000
    identity = b"\1" * 16

    assert 29 == len(pack(Statement(now, -1, identity, REDEEMED, 500)))
    assert 33 == len(pack(Statement(microseconds, -1, identity, REDEEMED, 500)))
    assert 34 == len(pack(Statement(now, -1, identity, EARNED, 500, later)))
    assert 39 == len(pack(Statement(now, -1, identity, EARNED, 500, later, later)))


def test_bytes_that_are_no_statements_are_refused_with_what_to_do() -> None:
    packed = pack(Statement(1, -1, b"\1" * 16, REDEEMED, 500))

    for damaged, count in ((packed, 2), (packed, 0), (packed[:-1], 1), (b"\xc1", 1)):
        with pytest.raises(StatementsUnreadableError, match="rebuild the customer view"):
            unpack(damaged, count)


def test_statements_compare_by_instant_then_sequence_then_entry() -> None:
    least = Statement(1, 5, b"\2" * 16, EARNED, 9)
    same_instant = Statement(1, 6, b"\1" * 16, EARNED, 1)
    same_sequence = Statement(1, 6, b"\2" * 16, EARNED, 1)
    latest = Statement(2, -1, b"\0" * 16, EARNED, 1)

    expected = [least, same_instant, same_sequence, latest]
    assert expected == sorted([latest, same_sequence, same_instant, least])


def test_a_programme_of_which_nothing_is_settled_leaves_expiry_to_upstream() -> None:
    register = ProgrammeRegister((Programme(code="gold", upstream_states_expiry=False),))

    assert not register.programme("gold").upstream_states_expiry
    assert register.programme("silver").upstream_states_expiry


def test_a_register_that_settles_a_programme_twice_is_refused() -> None:
    with pytest.raises(ProgrammeError, match=r"\['gold'\]"):
        ProgrammeRegister((Programme(code="gold"), Programme(code="gold")))


def test_a_misspelt_setting_of_a_programme_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="upstream_expires"):
        msgspec.json.decode(b'{"code":"gold","upstream_expires":false}', type=Programme)
