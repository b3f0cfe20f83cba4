"""What a customer's row is searched by, told from the state of the fold."""

from __future__ import annotations

from domain.identifiers import ANONYMOUS_NAMESPACES
from projections.customer.fold import BEFORE_TIME, Fold, State
from projections.customer.store import CustomerRow


def row_of(fold: Fold, customer_id: bytes, state: State, horizon: int) -> CustomerRow:
    """Return the row of a customer: timers run, state encoded, columns told from it.

    Args:
        fold: whose state it is.
        customer_id: 16 bytes.
        state: of the party; settled here.
        horizon: the common horizon, microseconds since 1970.

    """
    valid_until = fold.settle(state, horizon)
    latest = state.latest
    anonymous = is_anonymous(state)
    stands = state.lifecycle
    return CustomerRow(
        customer_id,
        fold.encode(state),
        valid_until,
        None if anonymous else stands.stage,
        None if anonymous else stands.since,
        stands.at_risk and not anonymous,
        anonymous,
        None if latest == BEFORE_TIME else latest,
        state.commercial.last_at,
    )


def is_anonymous(state: State) -> bool:
    """Say whether nothing is known of a customer but receipts, cookies and devices."""
    for one in state.identity.personas:  # noqa: SIM110 - all() costs twice as much
        if one.namespace not in ANONYMOUS_NAMESPACES:
            return False
    return True
