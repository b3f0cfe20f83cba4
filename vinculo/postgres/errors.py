"""What can go wrong with the embedded PostgreSQL, each with what to do about it."""

from domain.errors import VinculoError


class EmbeddedPostgresError(VinculoError):
    """The embedded PostgreSQL cannot do what was asked."""


class BinariesNotFoundError(EmbeddedPostgresError):
    """No usable PostgreSQL was found on this machine."""


class WrongVersionError(EmbeddedPostgresError):
    """The data folder was written by another major version of PostgreSQL."""


class UnreachableFolderError(EmbeddedPostgresError):
    """The account that must run PostgreSQL cannot enter a folder."""


class StartFailedError(EmbeddedPostgresError):
    """PostgreSQL ended instead of answering."""
