"""A simulated business: seeded, believable, and broken in the ways in which real ones are.

Leads and customers who buy at a pace of their own and drop out; shops and a webshop; returns,
campaigns, incidents, surveys, consents and a points account kept elsewhere; receipts without a
name, wrong cards and wrong links that are mended; messages that come late, twice, out of order or
broken. Nothing here does I/O or reads a clock: the same arguments give the same bytes.
"""

from vinculo.simulator.message import Defect, Delivery, Outcome, SimulatedMessage
from vinculo.simulator.simulation import (
    DAYS,
    History,
    Simulation,
    simulate,
    simulate_histories,
)
from vinculo.simulator.sources import BUSINESS_ZONE, CURRENCY, PROFILES
from vinculo.simulator.truth import CustomerTruth, SalesTotals, Truth

__all__ = [
    "BUSINESS_ZONE",
    "CURRENCY",
    "DAYS",
    "PROFILES",
    "CustomerTruth",
    "Defect",
    "Delivery",
    "History",
    "Outcome",
    "SalesTotals",
    "SimulatedMessage",
    "Simulation",
    "Truth",
    "simulate",
    "simulate_histories",
]
