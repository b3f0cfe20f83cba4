import random

import pytest

from projections.customer import distinct


def sketch_of(codes: list[str]) -> bytearray:
    sketch = bytearray()
    for code in codes:
        distinct.add(sketch, code)
    return sketch


def test_fewer_than_64_codes_are_counted_exactly_however_often_they_come() -> None:
    sketch = sketch_of([f"SKU-{number}" for number in range(63)] * 3)

    assert 63 == distinct.count(sketch)
    assert distinct.is_exact(sketch)


@pytest.mark.parametrize("number", [64, 500, 20_000])
def test_more_codes_are_estimated_within_a_half_in_192_bytes(number: int) -> None:
    sketch = sketch_of([f"SKU-{each}" for each in range(number)])

    assert 192 == len(sketch)
    assert not distinct.is_exact(sketch)
    # A standard error of an eighth: a half is four of them.
    assert number // 2 < distinct.count(sketch) < number * 3 // 2


def test_the_order_of_codes_leaves_no_trace() -> None:
    codes = [f"campaign {number}" for number in range(200)]
    sketches = set()
    for seed in range(20):
        random.Random(seed).shuffle(codes)
        sketches.add(bytes(sketch_of(codes)))

    assert 1 == len(sketches)


def test_a_hash_that_lies_across_two_others_is_not_taken_for_known() -> None:
    """Three bytes a hash, side by side: a match that straddles two of them is none."""
    mark = distinct._hash("lamp")
    sketch = bytearray([0, mark[0], mark[1], mark[2], 0, 0])
    assert mark in sketch

    distinct.add(sketch, "lamp")
    assert 3 == distinct.count(sketch)
    distinct.add(sketch, "lamp")
    assert 3 == distinct.count(sketch)
    assert sorted(sketch[at : at + 3] for at in (0, 3, 6)) == [
        sketch[at : at + 3] for at in (0, 3, 6)
    ]


def test_nothing_counts_as_none() -> None:
    assert 0 == distinct.count(bytearray())
