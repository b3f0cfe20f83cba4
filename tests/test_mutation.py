"""The tool that changes a package: it finds what tests do not notice, and leaves the code alone."""

import os
from pathlib import Path

import pytest

from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.trying import start

SOURCE = '''"""A module, 7 words of which 1 < 2 are no code."""

def larger(one: int, other: int) -> int:
    """Return the larger one, not 3."""
    if one > other:
        return one
    return other


def counted(found: list[int]) -> int:
    total = 0
    for one in found:
        total += one
    return min(total, 9)


def checked(one: int) -> None:
    if one < 0 and not one:
        raise ValueError(f"expected {one + 1}")
'''


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "larger.py"
    path.write_text(SOURCE)
    return path


def test_every_small_change_is_made_and_words_are_left_alone(module: Path) -> None:
    found = sorted((one.line, one.change) for one in mutants_of(module))
    assert [
        (5, "if one > other: … → if False: …"),
        (5, "if one > other: … → if True: …"),
        (5, "one > other → one <= other"),
        (5, "one > other → one >= other"),
        (11, "0 → 1"),
        (13, "total += one → pass"),
        (13, "total += one → total -= one"),
        (14, "9 → 10"),
        (14, "min(total, 9) → max(total, 9)"),
        (18, "0 → 1"),
        (18, "if one < 0 and (not one): … → if False: …"),
        (18, "if one < 0 and (not one): … → if True: …"),
        (18, "not one → one"),
        (18, "one < 0 and (not one) → one < 0 or not one"),
        (18, "one < 0 → one <= 0"),
        (18, "one < 0 → one >= 0"),
    ] == found


def test_each_mutant_is_the_whole_module_with_one_change(module: Path) -> None:
    sources = [one.source for one in mutants_of(module)]
    assert len(sources) == len(set(sources))
    for source in sources:
        compile(source, "mutant", "exec")


@pytest.mark.parametrize(("change", "noticed"), [("return 1", False), ("return 2", True)])
def test_a_process_of_its_own_imports_the_mutant(
    tmp_path: Path, change: str, noticed: bool
) -> None:
    """The file that stands in the repository is not the one that is imported."""
    test = tmp_path / "test_it.py"
    test.write_text(
        "from tests.mutation.absent import answer\n\ndef test_it():\n    assert 1 == answer()\n"
    )
    source = f"def answer():\n    {change}\n"
    mutant = Mutant(Path("tests/mutation/absent.py"), 1, change, source)
    _, status = os.waitpid(start(mutant, [str(test)], 60), 0)
    assert noticed == (status != 0)


def test_a_mutant_that_never_ends_is_noticed(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text("import tests.mutation.absent\n\ndef test_it():\n    assert True\n")
    mutant = Mutant(Path("tests/mutation/absent.py"), 1, "", "while True:\n    pass\n")
    _, status = os.waitpid(start(mutant, [str(test)], 2), 0)
    assert status != 0
