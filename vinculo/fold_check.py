"""Whether the live view was folded by the parts and rules that this process has."""

from __future__ import annotations

from domain.errors import VinculoError
from projections.customer.fold import Fold
from projections.customer.live import VIEW
from projections.generations import live_generation
from vinculo.composition import Composition


def is_same_fold(made: Composition, fold: Fold) -> bool:
    """Say whether the live view has the parts and rules of a fold, or does not exist yet."""
    with made.connect("vinculo command") as connection:
        live = live_generation(connection, made.logs.facts, VIEW)
    return live is None or live.fold == fold.name


def expect_same_fold(made: Composition, fold: Fold) -> None:
    """Refuse to go on with a view that other parts or rules have folded.

    Raises:
        VinculoError: it was folded by others; a rebuild makes it ours.

    """
    if not is_same_fold(made, fold):
        message = (
            "expected a customer view folded by this version's parts and rules, found another; "
            "run 'vinculo rebuild', then start this again"
        )
        raise VinculoError(message)
