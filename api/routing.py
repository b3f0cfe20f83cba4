"""Routing below ``/v1/``: paths to endpoints, by segments.

The framework's own routes do not serve here: in Litestar 2.25 an ASGI route with path parameters
fails with a KeyError on every HTTP request, its HTTP routes build a request object, which costs as
much as all the rest, and a mount is searched for anew at every path that was not asked for lately.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from api.endpoints import Endpoint

Methods = Mapping[str, Endpoint]


class Found(msgspec.Struct, frozen=True, gc=False):
    """The endpoints of a path by method, and the parameters in the path."""

    methods: Methods
    parameters: dict[str, str]


class Routes:
    """Find endpoints by path. GET is found for HEAD as well.

    Args:
        endpoints: all of them.

    """

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.by_path: dict[str, dict[str, Endpoint]] = defaultdict(dict)
        for endpoint in endpoints:
            self.by_path[endpoint.path][endpoint.method] = endpoint
            if endpoint.method == "GET":
                self.by_path[endpoint.path]["HEAD"] = endpoint
        self._plain = {
            path: Found(methods, {}) for path, methods in self.by_path.items() if "{" not in path
        }
        self._templates: dict[int, list[tuple[list[str], Methods]]] = defaultdict(list)
        for path, methods in self.by_path.items():
            if "{" in path:
                segments = path.split("/")
                self._templates[len(segments)].append((segments, methods))

    def find(self, path: str) -> Found | None:
        """Return what stands at a path, None if nothing does."""
        plain = self._plain.get(path)
        if plain is not None:
            return plain
        segments = path.split("/")
        for template, methods in self._templates.get(len(segments), ()):
            parameters = _match(template, segments)
            if parameters is not None:
                return Found(methods, parameters)
        return None


def _match(template: list[str], segments: list[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for expected, found in zip(template, segments, strict=True):
        if expected.startswith("{"):
            parameters[expected[1:-1]] = found
        elif expected != found:
            return None
    return parameters
