"""What can go wrong with a data set as a whole."""

from domain.errors import VinculoError


class UnreadableDataError(VinculoError):
    """A file of a data set is missing, or is not what it should be."""
