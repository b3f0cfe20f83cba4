"""Public data sets turned into touchpoints, so that the engine can be run on real business.

Each data set has a module with its rules, a :class:`SourceProfile` that says what the registry of
sources must know, and ``messages(folder, report)``, which streams CloudEvents. What is left out
is counted and listed in the report, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from vinculo.importers import cdnow, complete_journey, online_retail
from vinculo.importers.errors import UnreadableDataError
from vinculo.importers.message import Message, json_lines
from vinculo.importers.profile import SourceProfile
from vinculo.importers.report import ImportReport, LeftOut

__all__ = [
    "DATA_SETS",
    "DataSet",
    "ImportReport",
    "LeftOut",
    "Message",
    "SourceProfile",
    "UnreadableDataError",
    "json_lines",
]


class DataSet(msgspec.Struct, frozen=True):
    """A data set that can be imported.

    Args:
        profile: its source.
        files: the files it needs in the folder.
        messages: streams it from a folder, filling a report as it goes.

    """

    profile: SourceProfile
    files: tuple[str, ...]
    messages: Callable[[Path, ImportReport], Iterator[Message]]


DATA_SETS: dict[str, DataSet] = {
    "online-retail": DataSet(online_retail.PROFILE, online_retail.FILES, online_retail.messages),
    "complete-journey": DataSet(
        complete_journey.PROFILE, complete_journey.FILES, complete_journey.messages
    ),
    "cdnow": DataSet(cdnow.PROFILE, cdnow.FILES, cdnow.messages),
}
"""By the name that the command line uses."""
