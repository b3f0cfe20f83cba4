"""The routes: every endpoint there is. To add one: a handler and one entry here."""

from __future__ import annotations

from typing import Any

import msgspec

from api import customers, directory, histories, intake, openapi, operating, touchpoints
from api.customer_answers import CURSOR
from api.endpoints import Content, Endpoint, Reply, json_reply
from api.finance_routes import finance_endpoints
from api.loyalty_routes import loyalty_endpoints
from api.parameters import Parameter, within
from api.programme_routes import programme_endpoints
from api.settings import ApiLimits
from api.simulation_routes import simulation_endpoints
from domain.cloudevent import BATCH_TYPE, STRUCTURED_TYPE, CloudEvent
from projections.customer.reading.biography import LifecycleShown
from projections.customer.reading.display import Personal

_JSON = "application/json"
_EVENT: dict[str, Any] = {"type": "object", "description": "The touchpoint, as schemas/ has it."}
_POSITION = ("Vinculo-Position",)
_ABSORBED = (*_POSITION, "Vinculo-Absorbed", "Content-Location")
_ABSORBED_TEXT = (
    "An id that was absorbed answers with its survivor: 200 with the survivor's customer_id, "
    "Vinculo-Absorbed naming the id that was asked for, and Content-Location."
)
_ONE_EVENT = (Content(STRUCTURED_TYPE, CloudEvent), Content(_JSON, _EVENT))
_MANY_EVENTS = (
    Content(BATCH_TYPE, tuple[CloudEvent, ...]),
    Content(touchpoints.LINES_TYPES[0], {"type": "string"}),
    Content(touchpoints.LINES_TYPES[1], {"type": "string"}),
)


def endpoints(limits: ApiLimits, customer: type) -> tuple[Endpoint, ...]:
    """Return every endpoint.

    Args:
        limits: named in parameters.
        customer: the type of a customer's document.

    """
    limit = Parameter(
        name="limit",
        meaning="Lines a page.",
        schema={
            "type": "integer",
            "minimum": 1,
            "maximum": limits.page_max,
            "default": limits.page_default,
        },
        read=within(1, limits.page_max),
    )
    return (
        *_of_customers(limit, customer),
        *_of_touchpoints(),
        *_of_intake(limit),
        *programme_endpoints(),
        *simulation_endpoints(),
        *loyalty_endpoints(),
        *finance_endpoints(),
        *_of_operating(),
    )


def _of_customers(limit: Parameter, customer: type) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="GET",
            path="/v1/customers/{customer_id}",
            name="readCustomer",
            family="customers",
            summary="Everything that is known of a customer",
            description=f"Rendered for now, as as_of says. {_ABSORBED_TEXT} The entity tag is "
            "weak: with equal tags documents differ in as_of alone. With personal=true the answer "
            "has one more member, personal, and is never to be kept.",
            scopes=("read",),
            also=("read_personal",),
            parameters=(customers.PERSONAL,),
            positioned=True,
            conditional=True,
            replies={
                200: Reply(
                    "The document.",
                    (Content(_JSON, _with_personal(customer)),),
                    (*_ABSORBED, "ETag"),
                ),
                304: Reply("Nothing but as_of would differ.", (), (*_POSITION, "ETag")),
            },
            problems=(404,),
            handler=customers.read_customer,
        ),
        Endpoint(
            method="POST",
            path="/v1/customers/lookup",
            name="lookUpCustomers",
            family="customers",
            summary="Customers by identifiers",
            description="A POST, so that no e-mail stands in an address or a log. A value that "
            "stands for nobody (zeros, 'unknown') is told as such.",
            scopes=("read",),
            positioned=True,
            bodies=(Content(_JSON, directory.LookupRequest),),
            replies={200: json_reply("A result for each.", directory.LookupDocument, _POSITION)},
            problems=(413,),
            handler=directory.look_up,
        ),
        Endpoint(
            method="GET",
            path="/v1/customers",
            name="listCustomers",
            family="customers",
            summary="Customers by stage, risk and last activity",
            description="In the order of their ids. Lists follow the horizon, which is told. "
            "Anonymous receipts and visits are left out unless asked for by 'anonymous'.",
            scopes=("read",),
            parameters=(*directory.FILTERS, CURSOR, limit),
            positioned=True,
            replies={200: json_reply("A page.", directory.CustomerPage, _POSITION)},
            handler=directory.list_all,
        ),
        _history(
            "timeline",
            "readTimeline",
            "The touchpoints of a customer",
            histories.TimelineDocument,
            histories.read_timeline_page,
            (*histories.TIMELINE_FILTERS, CURSOR, limit),
        ),
        _history(
            "lifecycle",
            "readLifecycle",
            "The stages of a customer, with reasons, causes and timers",
            LifecycleShown,
            histories.read_lifecycle,
        ),
        _history(
            "accounts",
            "readAccounts",
            "The loyalty accounts of a customer: mirrored ones with all movements, owned ones",
            histories.CustomerAccounts,
            histories.read_accounts,
        ),
    )


def _history(
    last: str,
    name: str,
    summary: str,
    document: type,
    handler: Any,  # noqa: ANN401 - see Endpoint
    parameters: tuple[Parameter, ...] = (),
) -> Endpoint:
    return Endpoint(
        method="GET",
        path=f"/v1/customers/{{customer_id}}/{last}",
        name=name,
        family="customers",
        summary=summary,
        description=_ABSORBED_TEXT,
        scopes=("read",),
        parameters=parameters,
        positioned=True,
        replies={200: json_reply("As told.", document, _ABSORBED)},
        problems=(404,),
        handler=handler,
    )


def _of_touchpoints() -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="POST",
            path="/v1/touchpoints",
            name="sendTouchpoints",
            family="touchpoints",
            summary="Send one touchpoint or many",
            description="CloudEvents 1.0: one in structured or binary mode (ce- headers), "
            "or many as an array or as lines. The answer comes once the events are committed; "
            "sending the same again is safe. Vinculo-Position names the coordinate at which they "
            "are visible: ask for it by Vinculo-Min-Position.",
            scopes=("publish",),
            bodies=(*_ONE_EVENT, *_MANY_EVENTS),
            replies={
                200: Reply(
                    "One event that was stored before or is suppressed; or many, none rejected.",
                    (Content(_JSON, touchpoints.ItemAnswer, touchpoints.BatchAnswer),),
                    _POSITION,
                ),
                201: json_reply("One event, stored now.", touchpoints.ItemAnswer, _POSITION),
                207: json_reply("Many, some rejected.", touchpoints.BatchAnswer, _POSITION),
            },
            problems=(408, 413, 415, 422),
            handler=touchpoints.send_touchpoints,
        ),
        Endpoint(
            method="GET",
            path="/v1/touchpoints/status",
            name="readTouchpointStatus",
            family="touchpoints",
            summary="What became of my event",
            description="Told of stored events. What was rejected is sealed and not found by the "
            "event's id: it reads unknown here; ask GET /v1/intake/rejected?source=... for what "
            "the source sent, or by the receipt that was answered.",
            scopes=("publish", "operate"),
            parameters=touchpoints.STATUS_PARAMETERS,
            replies={200: json_reply("As told.", touchpoints.EventStatus)},
            handler=touchpoints.tell_status,
        ),
    )


def _of_intake(limit: Parameter) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="GET",
            path="/v1/intake/accounts",
            name="readIntakeAccounts",
            family="intake",
            summary="Received = stored + duplicate + rejected + suppressed",
            description="By channel, topic, source and hour of recording, the newest first.",
            scopes=("operate",),
            parameters=(intake.CHANNEL, intake.SOURCE, intake.SINCE, intake.UNTIL, CURSOR, limit),
            replies={200: json_reply("A page.", intake.AccountPage)},
            handler=intake.tell_accounts,
        ),
        Endpoint(
            method="GET",
            path="/v1/intake/rejected",
            name="listRejected",
            family="intake",
            summary="Messages that could not become facts",
            scopes=("operate",),
            parameters=(intake.SOURCE, intake.CODE, intake.OPEN, intake.BEFORE, limit),
            replies={200: json_reply("A page, the newest first.", intake.RejectedPage)},
            handler=intake.tell_rejected,
        ),
        Endpoint(
            method="GET",
            path="/v1/intake/rejected/{receipt}",
            name="readRejected",
            family="intake",
            summary="What a rejected message holds",
            description="It may be personal: who reads it is logged.",
            scopes=("operate",),
            replies={200: json_reply("The message.", intake.RejectedContent)},
            problems=(404, 410),
            handler=intake.open_rejected,
        ),
        Endpoint(
            method="POST",
            path="/v1/intake/rejected/{receipt}/resend",
            name="resendRejected",
            family="intake",
            summary="Send a rejected message again",
            description="Without a body as it was; with one event as a body, that event instead.",
            scopes=("operate",),
            bodies=_ONE_EVENT,
            body_required=False,
            replies={
                200: json_reply("It was stored before, or is suppressed.", touchpoints.ItemAnswer),
                201: json_reply("It is stored now.", touchpoints.ItemAnswer, _POSITION),
            },
            problems=(404, 408, 410, 413, 415, 422),
            handler=intake.resend_rejected,
        ),
    )


def _of_operating() -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="GET",
            path="/v1/projections",
            name="readProjections",
            family="operating",
            summary="How far views and earning are; lagging told from stuck",
            scopes=("read", "operate"),
            replies={200: json_reply("As told.", operating.ProjectionsDocument)},
            handler=operating.tell_projections,
        ),
        Endpoint(
            method="GET",
            path="/metrics",
            name="readMetrics",
            family="operating",
            summary="Figures of this process for Prometheus",
            scopes=("operate",),
            replies={200: Reply("Text.", (Content("text/plain", {"type": "string"}),))},
            handler=operating.tell_metrics,
        ),
        Endpoint(
            method="GET",
            path="/healthz",
            name="readHealth",
            family="operating",
            summary="Whether the process is alive",
            scopes=(),
            replies={200: json_reply("It is.", operating.Health)},
            handler=operating.tell_health,
        ),
        Endpoint(
            method="GET",
            path="/readyz",
            name="readReadiness",
            family="operating",
            summary="Whether requests can be answered",
            scopes=(),
            replies={
                200: json_reply("They can.", operating.Readiness),
                503: json_reply("They cannot; it says why.", operating.Readiness),
            },
            handler=operating.tell_readiness,
        ),
        Endpoint(
            method="GET",
            path="/v1/openapi.json",
            name="readOpenApi",
            family="operating",
            summary="This description",
            scopes=(),
            replies={200: Reply("OpenAPI 3.1.", (Content(_JSON, {"type": "object"}),))},
            handler=openapi.tell_openapi,
        ),
    )


def _with_personal(customer: type) -> type:
    fields = [(one.name, one.type) for one in msgspec.structs.fields(customer)]
    return msgspec.defstruct(
        "Customer",
        [*fields, ("personal", Personal | None, None)],
        namespace={"__doc__": customer.__doc__},
    )
