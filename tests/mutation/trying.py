"""Trying a mutant out: in a process of its own, which imports the changed module and runs tests."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Sequence
from types import ModuleType

from tests.mutation.mutants import Mutant

MEMORY_BYTES_MAX = 2 * 2**30


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a mutant where its module is asked for."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the mutant's spec for its own name."""
        del path, target
        if fullname != self._mutant.module:
            return None
        is_package = self._mutant.path.name == "__init__.py"
        return importlib.util.spec_from_loader(fullname, self, is_package=is_package)

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed source."""
        code = compile(self._mutant.source, str(self._mutant.path), "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - to run a changed module is what this is for


def start(mutant: Mutant | None, tests: Sequence[str], seconds_max: int) -> int:
    """Run tests against a mutant in a new process and return its id; None is the code as it is.

    The process ends with 0 if all tests pass, else otherwise; it is ended after ``seconds_max``.
    """
    process = os.fork()
    if process:
        return process
    status = 99
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds_max)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
        status = _run(mutant, tests)
    finally:
        os._exit(status)


def _run(mutant: Mutant | None, tests: Sequence[str]) -> int:
    import pytest  # noqa: PLC0415 - the parent has imported it already; nothing of ours, though
    from hypothesis import Phase, settings  # noqa: PLC0415

    if mutant is not None:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        sys.meta_path.insert(0, Changed(mutant))
    # A failure is all that is asked for, not the smallest one; and the same one every time.
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutation", database=None, derandomize=True, phases=phases)
    settings.load_profile("mutation")
    # Other plugins take longer to load than most mutants live; our settings name this one.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ("-x", "-q", "--noconftest", "-p", "pytest_timeout", "--timeout=0")
    return int(pytest.main([*options, "-p", "no:cacheprovider", *tests]))
