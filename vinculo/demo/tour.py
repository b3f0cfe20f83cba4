"""The tour: requests that a newcomer can copy, and that the demo can run itself."""

from __future__ import annotations

import http.client
import json
import shlex
from typing import Any
from urllib.parse import urlsplit

import msgspec

from domain.errors import VinculoError

_TIMEOUT_SECONDS = 30
_EVENT_TYPE = "application/cloudevents+json"
_OK = 200
_CREATED = 201

Json = Any
"""What ``json.loads`` returns."""


class TourError(VinculoError):
    """A request of the tour was not answered as it should be."""


class Stop(msgspec.Struct, frozen=True):
    """One request worth looking at.

    Args:
        title: what it shows, for a marketer.
        path: of the request, with its query.
        body: sent as JSON; None asks with GET.
        media_type: of the body.
        expected: the status of a good answer.
        scoped: whether it needs the key.

    """

    title: str
    path: str
    body: Json = None
    media_type: str = "application/json"
    expected: int = _OK
    scoped: bool = True


class Tour:
    """Requests to one API, with one key.

    Args:
        address: of the API, without a slash at the end.
        token: of the key.

    """

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._token = token

    def curl(self, stop: Stop) -> str:
        """Return the request as a line for a shell, the key in a variable."""
        words = ["curl", "-s"]
        headers = ""
        if stop.scoped:
            headers = ' -H "Authorization: Bearer $KEY"'
        if stop.body is not None:
            body = json.dumps(stop.body, ensure_ascii=False)
            words += ["-H", f"Content-Type: {stop.media_type}", "-d", body]
        return shlex.join(words) + headers + " " + shlex.quote(self._address + stop.path)

    def visit(self, stop: Stop) -> Json:
        """Send the request and return what was answered.

        Raises:
            TourError: another status than expected.

        """
        place = urlsplit(self._address)
        connection = http.client.HTTPConnection(place.netloc, timeout=_TIMEOUT_SECONDS)
        headers = {"Authorization": f"Bearer {self._token}"} if stop.scoped else {}
        body = None
        if stop.body is not None:
            headers["Content-Type"] = stop.media_type
            body = json.dumps(stop.body, ensure_ascii=False).encode()
        try:
            connection.request("GET" if body is None else "POST", stop.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != stop.expected:
            message = (
                f"{stop.path}: expected {stop.expected}, found {answer.status}: "
                f"{content[:300].decode(errors='replace')}"
            )
            raise TourError(message)
        return json.loads(content)


def customer(customer_id: str, *, personal: bool = False) -> Stop:
    """Return the request for one customer's whole picture."""
    query = "?personal=true" if personal else ""
    return Stop("everything that is known of one customer", f"/v1/customers/{customer_id}{query}")


def purchase(subject: str, now: str, event_id: str) -> Stop:
    """Return the request that lets a customer buy something in the webshop.

    Args:
        subject: ``namespace:value`` of the customer.
        now: RFC 3339.
        event_id: unique; the same again is not counted twice.

    """
    line = {"product": "COF-001", "quantity": 1_000, "amount": 1_990, "category": "coffee and tea"}
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "urn:vinculo:demo:webshop",
        "type": "vinculo.purchase_made.v1",
        "subject": subject,
        "time": now,
        "data": {"number": event_id, "currency": "EUR", "lines": [line], "channel": "web"},
    }
    return Stop(
        "let somebody buy coffee for 19.90 EUR, then ask for them again",
        "/v1/touchpoints",
        body=event,
        media_type=_EVENT_TYPE,
        expected=_CREATED,
    )
