"""What all benchmarks share: arguments, rounds, medians, and the line with the result."""

from __future__ import annotations

import argparse
import gc
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from types import FrameType

import msgspec

from vinculo.logging import configure_logging

Number = int | float
_STARTED = time.perf_counter()
_SIGNIFICANT_DIGITS = 6


class Goal(msgspec.Struct, frozen=True):
    """One promise of a benchmark.

    Args:
        value: what was measured.
        goal: the bound, in the same unit.
        at_most: whether the bound is an upper one; a lower one otherwise.

    """

    value: Number
    goal: Number
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Say whether the promise is kept; what could not be measured (NaN) keeps none."""
        return self.value <= self.goal if self.at_most else self.value >= self.goal


class Measured(msgspec.Struct, frozen=True):
    """What a benchmark found.

    Args:
        value: the figure that it is about.
        unit: of ``value`` and ``reference``.
        reference: the same figure of what it is compared with, None if there is none.
        goals: every promise by name; the first one is shown as ``goal`` and, where it is one, as
            ``ratio``.
        parts: everything else worth keeping, such as single rounds.

    """

    value: Number
    unit: str
    reference: Number | None
    goals: Mapping[str, Goal]
    parts: Mapping[str, object]


def arguments(
    description: str | None, sizes: Mapping[str, Number], controls: Mapping[str, str]
) -> argparse.Namespace:
    """Return the arguments of a benchmark.

    Args:
        description: the docstring of its module.
        sizes: by name, with their defaults; ``BENCH_NAME`` of the environment overrides these.
        controls: by name: the defects that can be switched on, and what each one is.

    """
    listed = "; ".join(f"{name}: {what}" for name, what in controls.items())
    parser = argparse.ArgumentParser(
        description=(description or "").partition("\n")[0], epilog=f"Controls: {listed}"
    )
    for name, default in sizes.items():
        stated = os.environ.get(f"BENCH_{name.upper()}", default)
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=type(default), default=type(default)(stated), metavar="N")
    parser.add_argument("--control", choices=sorted(controls), help="switch a defect on")
    configure_logging("console", os.environ.get("BENCH_LOG_LEVEL", "error"))
    signal.signal(signal.SIGTERM, _leave)  # servers are stopped and folders removed on the way out
    return parser.parse_args()


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit("stopped by SIGTERM")


def report(name: str, chosen: argparse.Namespace, measured: Measured) -> None:
    """Print the result: the one line that the standard output gets."""
    first_name, first = next(iter(measured.goals.items()))
    goals = {
        key: {"value": _rounded(one.value), "goal": one.goal, "met": one.met}
        for key, one in measured.goals.items()
    }
    line = {
        "name": name,
        "value": _rounded(measured.value),
        "unit": measured.unit,
        "reference": _rounded(measured.reference),
        "ratio": _rounded(first.value) if measured.reference is not None else None,
        "goal": first.goal,
        "met": all(one.met for one in measured.goals.values()),
        "goal_is": first_name,
        "goals": goals,
        **{key: _rounded(part) for key, part in measured.parts.items()},
        "arguments": vars(chosen),
        "seconds": round(time.perf_counter() - _STARTED, 1),
    }
    print(msgspec.json.encode(line).decode(), flush=True)


def say(message: str) -> None:
    """Tell whoever waits, on the standard error, what is going on."""
    print(f"[{time.perf_counter() - _STARTED:6.1f} s] {message}", file=sys.stderr, flush=True)


def interleaved(
    rounds: int, measures: Mapping[str, Callable[[], float]], *, warm_up: bool = True
) -> dict[str, list[float]]:
    """Take several measures in turns, each round in the other order, and return all of them.

    Args:
        rounds: how many are kept.
        measures: by name; each returns a figure.
        warm_up: whether a first round is taken and thrown away.

    """
    found: dict[str, list[float]] = {name: [] for name in measures}
    names = list(measures)
    for number in range(rounds + warm_up):
        taken = {}
        for name in names if number % 2 else names[::-1]:
            taken[name] = measures[name]()
        told = ", ".join(f"{name} {taken[name]:,.0f}" for name in measures)
        say(f"round {number}{' (warm-up)' if warm_up and number == 0 else ''}: {told}")
        if number or not warm_up:
            for name, figure in taken.items():
                found[name].append(figure)
    return found


def middle(figures: Sequence[float]) -> float:
    """Return the median, NaN if nothing was measured."""
    return median(figures) if figures else math.nan


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the ratio of the medians, NaN if there is nothing to compare with."""
    below = middle(theirs)
    return middle(ours) / below if below else math.nan


def percentile(figures: Sequence[float], share: float) -> float:
    """Return the least figure that is not exceeded by a share (0 to 1) of them; NaN of none."""
    if not figures:
        return math.nan
    return sorted(figures)[max(0, math.ceil(share * len(figures)) - 1)]


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def quiet_collector() -> None:
    """Let the collector look as rarely as the product's own workers do."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)


def resident_bytes(process_id: int) -> int:
    """Return the resident memory of a process, 0 if it is gone or the system does not tell."""
    try:
        pages = int(Path(f"/proc/{process_id}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _rounded(value: object) -> object:
    """Shorten floats for reading; what is no number in JSON becomes null."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")
    if isinstance(value, (list, tuple)):
        return [_rounded(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return value
