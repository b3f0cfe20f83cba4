"""An embedded PostgreSQL: the same server as in production, started by the product itself.

For a machine with nothing but Python. The binaries come from a wheel or from the distribution;
what starts, configures and stops them is ours, because the wheel's own wrapper gives up after
ten seconds, trusts stale pid files and opens folders to everybody when root.
"""

from vinculo.postgres.account import data_folder_for
from vinculo.postgres.embedded import EmbeddedPostgres
from vinculo.postgres.errors import (
    BinariesNotFoundError,
    EmbeddedPostgresError,
    StartFailedError,
    UnreachableFolderError,
    WrongVersionError,
)

__all__ = [
    "BinariesNotFoundError",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "StartFailedError",
    "UnreachableFolderError",
    "WrongVersionError",
    "data_folder_for",
]
