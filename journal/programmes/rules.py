"""The rules that are in force, out of the decisions log."""

from __future__ import annotations

import psycopg

from domain.calendar import Calendar
from domain.programmes.rulebook import ProgrammeRulebook
from journal.programmes.reading import HeardProgrammes, programmes_at, read_programmes


def load_rulebook(
    connection: psycopg.Connection, log_id: int, calendar: Calendar, until: int | None = None
) -> ProgrammeRulebook:
    """Return every approved version of every programme.

    Args:
        connection: to the journal.
        log_id: of the decisions log.
        calendar: of the tenant.
        until: as it was known at this position, as ``FactsJudged`` names it; None means now.

    Raises:
        VinculoError: if the log is damaged, or a newer version of this product wrote it.

    """
    known = (
        read_programmes(connection, log_id)
        if until is None
        else programmes_at(connection, log_id, until)
    )
    return ProgrammeRulebook.of(known.programmes(), calendar)


class HeardRules:
    """The rulebook of a tenant, for a worker: ask before each batch; threads may share it.

    Whether something new was decided is told by its position, so no hint can be missed; a worker
    that listens to the log's hints is merely woken sooner.

    Args:
        log_id: of the decisions log.
        calendar: of the tenant.

    """

    def __init__(self, log_id: int, calendar: Calendar) -> None:
        self._programmes = HeardProgrammes(log_id)
        self._calendar = calendar
        self._heard = (ProgrammeRulebook((), calendar), 0)

    def __call__(self, connection: psycopg.Connection) -> tuple[ProgrammeRulebook, int]:
        """Return the rules as they are now, and the position of the last decision about them.

        The rulebook is the same object as before if nothing was decided since;
        :func:`load_rulebook` until that position gives an equal one for ever.

        Raises:
            VinculoError: if the log is damaged, or a newer version of this product wrote it.

        """
        known = self._programmes(connection)
        if known.position != self._heard[1]:
            rulebook = ProgrammeRulebook.of(known.programmes(), self._calendar)
            self._heard = (rulebook, known.position)
            return rulebook, known.position
        return self._heard
