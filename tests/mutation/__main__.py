"""Change a package, one small way after the other, and count how many changes its tests notice."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.trying import start

# Imported once, before the processes part; nothing of the product, which each imports anew.
for name in ("hypothesis.stateful", "msgspec", "pytest"):
    importlib.import_module(name)


def main(arguments: Sequence[str]) -> int:
    """Print every mutant that lived and, last, the score as JSON; fail below the least score."""
    asked = _parsed(arguments)
    found = [mutant for path in sorted(asked.package.rglob("*.py")) for mutant in mutants_of(path)]
    random.Random(asked.seed).shuffle(found)
    baseline = time.monotonic()
    _, status = os.waitpid(start(None, asked.tests, 600), 0)
    if status:
        print("the tests fail without any change; see above")
        return 2
    seconds_max = 10 + 4 * int(time.monotonic() - baseline)
    lived, tried = [], 0
    for mutant, noticed in _tried(found, asked, seconds_max):
        tried += 1
        if not noticed:
            lived.append(mutant)
            print(f"lived: {mutant.path}:{mutant.line}: {mutant.change}", flush=True)
    score = round(1 - len(lived) / max(tried, 1), 4)
    figures = {"mutants": len(found), "tried": tried, "lived": len(lived), "score": score}
    print(json.dumps({"package": str(asked.package), **figures}))
    return int(score < asked.least)


def _tried(
    found: list[Mutant], asked: argparse.Namespace, seconds_max: int
) -> Iterator[tuple[Mutant, bool]]:
    """Try mutants, so many at a time, until the time is up; yield each with its fate."""
    until = time.monotonic() + 60 * asked.minutes
    running: dict[int, Mutant] = {}
    waiting = iter(found)
    try:
        while True:
            while len(running) < asked.workers and time.monotonic() < until:
                mutant = next(waiting, None)
                if mutant is None:
                    break
                running[start(mutant, asked.tests, seconds_max)] = mutant
            if not running:
                return
            process, status = os.wait()
            yield running.pop(process), status != 0
    finally:
        for process in running:
            os.kill(process, signal.SIGKILL)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("package", type=Path, help="a folder of the product, domain/ledger")
    parser.add_argument("tests", nargs="+", help="test files that need no servers, fast ones first")
    parser.add_argument("--minutes", type=float, default=60, help="a sample, if that is too short")
    parser.add_argument("--workers", type=int, default=1, help="mutants tried at a time")
    parser.add_argument("--seed", type=int, default=0, help="of the order in which they are tried")
    parser.add_argument("--least", type=float, default=0.9, help="fail if the score is below")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
