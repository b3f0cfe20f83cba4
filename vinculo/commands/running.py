"""What every command does first: settings, logging, composition; and how failures are told."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import click
import psycopg
from rich.console import Console

from domain.errors import VinculoError
from vinculo.composition import Composition, composed, database_error
from vinculo.logging import configure_logging
from vinculo.settings import Settings, misspelt, read_settings

_WIDTH_OF_FILES = 240
FAILED = 1
"""The exit code of a command that found a difference or could not do what was asked."""


def settings_of_process() -> Settings:
    """Read the settings and configure logging; once a process."""
    settings = read_settings(os.environ)
    for name, meant in misspelt(os.environ).items():
        click.echo(f"warning: {name} is no setting; is {meant} meant?", err=True)
    configure_logging(settings.log_format, settings.log_level)
    return settings


@contextmanager
def composition() -> Iterator[Composition]:
    """Open what a command works with.

    Raises:
        VinculoError: a setting is wrong, or the database does not answer.

    """
    with composed(settings_of_process()) as made:
        yield made


def output() -> Console:
    """Return the console for results: the standard output as it is now.

    Where it is no terminal nothing is cut to the width of one.
    """
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDTH_OF_FILES
    return console


def fail(message: str) -> click.exceptions.Exit:
    """Say what was found, and return what to raise for exit code 1."""
    click.echo(message, err=True)
    return click.exceptions.Exit(FAILED)


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call this once SIGTERM or SIGINT comes: finish what is in hand, then end."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def explained(error: Exception) -> str | None:
    """Return what to tell of an error that may happen, None for one that may not."""
    if isinstance(error, VinculoError):
        return str(error)
    if isinstance(error, psycopg.Error):
        return str(database_error(error))
    if isinstance(error, _unreachable()):
        return f"expected an answer of PostgreSQL, found: {error}; check DATABASE_URL"
    if isinstance(error, OSError) and error.filename is not None:
        return f"expected to use {error.filename}, found: {error.strerror}; check path and rights"
    return None


def _unreachable() -> tuple[type[Exception], ...]:
    """Return what the decisions log raises while the database is away."""
    from journal.decisions import UNREACHABLE

    return UNREACHABLE
