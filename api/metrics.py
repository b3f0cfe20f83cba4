"""Figures of one process in the text format of Prometheus, written by hand: it is a page long."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping

METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

Sample = tuple[Mapping[str, str], float]


class _Route:
    """What is counted of one route."""

    __slots__ = ("buckets", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = defaultdict(int)
        self.buckets = [0] * (len(BUCKETS_SECONDS) + 1)
        self.seconds = 0.0


class Metrics:
    """Count what this process does. Used by the event loop's thread alone."""

    def __init__(self) -> None:
        self._routes: dict[str, _Route] = defaultdict(_Route)
        self.document_batches = 0
        self.documents_asked = 0
        self.documents_rendered = 0
        self.overdrafts = 0
        self._orders: dict[tuple[str, str], int] = defaultdict(int)

    def order(self, kind: str, *, repeated: bool = False, refused: str = "") -> None:
        """Count one order of the ledger."""
        self._orders[kind, refused or ("repeated" if repeated else "done")] += 1

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        counted = self._routes[route]
        counted.statuses[status] += 1
        counted.buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        counted.seconds += seconds

    def lines(self) -> list[str]:
        """Return the figures of requests, documents and orders."""
        asked, rendered = self.documents_asked, self.documents_rendered
        return [
            *family("vinculo_http_requests_total", "counter", "Answered requests.", self._counts()),
            *self._durations(),
            *plain("vinculo_document_batches_total", "Queries for documents.",
                   self.document_batches),
            *plain("vinculo_documents_asked_total", "Documents asked for.", asked),
            *plain("vinculo_documents_rendered_total", "Documents rendered anew.", rendered),
            *family("vinculo_ledger_orders_total", "counter", "Answered orders of the ledger.",
                    [({"kind": kind, "outcome": outcome}, number)
                     for (kind, outcome), number in sorted(self._orders.items())]),
            *plain("vinculo_ledger_overdrafts_total",
                   "Redemptions made elsewhere that went further below zero than tolerated.",
                   self.overdrafts),
        ]  # fmt: skip

    def _counts(self) -> Iterable[Sample]:
        for route, counted in sorted(self._routes.items()):
            for status, number in sorted(counted.statuses.items()):
                yield {"route": route, "status": str(status)}, number

    def _durations(self) -> list[str]:
        name = "vinculo_http_request_seconds"
        lines = [f"# HELP {name} Time from request to answer.", f"# TYPE {name} histogram"]
        for route, counted in sorted(self._routes.items()):
            total = 0
            for bound, number in zip((*BUCKETS_SECONDS, "+Inf"), counted.buckets, strict=True):
                total += number
                lines.append(_line(f"{name}_bucket", {"route": route, "le": str(bound)}, total))
            lines.append(_line(f"{name}_sum", {"route": route}, counted.seconds))
            lines.append(_line(f"{name}_count", {"route": route}, total))
        return lines


def plain(name: str, meaning: str, value: float, kind: str = "counter") -> list[str]:
    """Return a family of one figure without labels."""
    return family(name, kind, meaning, [({}, value)])


def family(name: str, kind: str, meaning: str, samples: Iterable[Sample]) -> list[str]:
    """Return a family of figures, one for each set of labels."""
    lines = [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
    return lines + [_line(name, labels, value) for labels, value in samples]


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    shown = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
    return f"{name}{{{shown}}} {value}" if shown else f"{name} {value}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
