"""Settings: one struct, read once from the environment when a command begins.

Every setting is a field with its variable, its meaning and its limits. ``vinculo settings`` shows
the values in force, ``vinculo settings --markdown`` writes ``docs/settings.md``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta

from domain.errors import VinculoError

HIDDEN = "set (not shown)"
_PREFIX = "VINCULO_"
_CLOSE_ENOUGH = 0.9
_ELSEWHERE = frozenset({"VINCULO_SECRET_PATH", "VINCULO_SOURCES_PATH", "VINCULO_RULES_PATH"})
"""Read by compose.yaml, not by the product."""


class SettingError(VinculoError):
    """A setting is missing, or holds what it must not."""


def _setting(variable: str, group: str, description: str, *, secret: bool = False) -> Meta:
    return Meta(
        description=description, extra={"variable": variable, "group": group, "secret": secret}
    )


_Count = Annotated[int, Meta(ge=1, le=1_000_000)]
_Port = Annotated[int, Meta(ge=0, le=65_535)]
_Seconds = Annotated[float, Meta(ge=0.01, le=86_400)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Text = Annotated[str, Meta(min_length=1, max_length=1_000)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of the product; the comment of each stands in its annotation."""

    database_url: Annotated[
        _Text | None,
        _setting(
            "DATABASE_URL", "Data",
            "PostgreSQL 15 or later, as a libpq URL. Without it Vínculo runs a PostgreSQL of its "
            "own in the data folder.", secret=True,
        ),
    ] = None  # fmt: skip
    home: Annotated[
        _Text,
        _setting(
            "VINCULO_HOME", "Data",
            "Folder of the PostgreSQL of its own, and of the files that it then needs: "
            "`secret.key`, `sources.toml`, `rules.toml`.",
        ),
    ] = ".vinculo"  # fmt: skip

    tenant: Annotated[
        Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[a-z0-9][a-z0-9_-]*$")],
        _setting("VINCULO_TENANT", "Tenant", "Whose journal and views are worked on."),
    ] = "main"
    secret: Annotated[
        _Text | None,
        _setting(
            "VINCULO_SECRET", "Tenant",
            "The tenant's secret, at least 32 characters of randomness. Whoever has it can find "
            "people by their e-mail; without it nobody can read personal fields again.",
            secret=True,
        ),
    ] = None  # fmt: skip
    secret_file: Annotated[
        _Text | None,
        _setting(
            "VINCULO_SECRET_FILE", "Tenant",
            "A file that holds the secret, at least 32 bytes, in place of VINCULO_SECRET. Beside a "
            "PostgreSQL of its own it is made when missing.",
        ),
    ] = None  # fmt: skip
    sources: Annotated[
        _Text | None,
        _setting(
            "VINCULO_SOURCES", "Tenant",
            "TOML file of the registered sources: who may publish what, on which topics.",
        ),
    ] = None  # fmt: skip
    rules: Annotated[
        _Text | None,
        _setting(
            "VINCULO_RULES", "Tenant",
            "TOML file of the tenant's rules: business zone, lifecycle, loyalty programmes. "
            "Without it: UTC and the published defaults.",
        ),
    ] = None  # fmt: skip

    kafka_servers: Annotated[
        _Text | None,
        _setting(
            "KAFKA_BOOTSTRAP_SERVERS", "Kafka", "`host:port` of some brokers, separated by commas."
        ),
    ] = None
    kafka_group: Annotated[
        _Text, _setting("KAFKA_GROUP", "Kafka", "Consumer group that all intake workers share.")
    ] = "vinculo-intake"
    kafka_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        _setting("KAFKA_SECURITY_PROTOCOL", "Kafka", "How to talk to the brokers."),
    ] = "PLAINTEXT"
    kafka_ca_file: Annotated[
        _Text | None, _setting("KAFKA_SSL_CA_FILE", "Kafka", "Certificates to trust.")
    ] = None
    kafka_certificate_file: Annotated[
        _Text | None, _setting("KAFKA_SSL_CERTIFICATE_FILE", "Kafka", "Our own certificate.")
    ] = None
    kafka_key_file: Annotated[
        _Text | None, _setting("KAFKA_SSL_KEY_FILE", "Kafka", "The private key of our certificate.")
    ] = None
    kafka_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None,
        _setting("KAFKA_SASL_MECHANISM", "Kafka", "Where the protocol is one of SASL."),
    ] = None
    kafka_username: Annotated[
        _Text | None, _setting("KAFKA_SASL_USERNAME", "Kafka", "Our name to the brokers.")
    ] = None
    kafka_password: Annotated[
        _Text | None,
        _setting("KAFKA_SASL_PASSWORD", "Kafka", "Our password to the brokers.", secret=True),
    ] = None

    api_host: Annotated[
        _Text,
        _setting(
            "VINCULO_API_HOST", "API",
            "Address on which the API listens. Any other than the loopback address is refused as "
            "long as there is no API key.",
        ),
    ] = "127.0.0.1"  # fmt: skip
    api_port: Annotated[
        _Port, _setting("VINCULO_API_PORT", "API", "Port of the API; 0 takes a free one.")
    ] = 8700

    log_format: Annotated[
        Literal["auto", "json", "console"],
        _setting(
            "VINCULO_LOG", "Logging",
            "`json`: one JSON object a line; `console`: for people; `auto`: console on a terminal.",
        ),
    ] = "auto"  # fmt: skip
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _setting("VINCULO_LOG_LEVEL", "Logging", "The least level that is written."),
    ] = "info"

    intake_batch_messages_max: Annotated[
        _Count,
        _setting("VINCULO_INTAKE_BATCH_MESSAGES_MAX", "Limits", "Messages appended at once."),
    ] = 5_000
    rejects_count: Annotated[
        _Count,
        _setting(
            "VINCULO_REJECTS_COUNT", "Limits",
            "So many rejected messages of a topic in a minute pause it, if also",
        ),
    ] = 100  # fmt: skip
    rejects_share: Annotated[
        _Share,
        _setting(
            "VINCULO_REJECTS_SHARE", "Limits",
            "this share of what came in that minute was rejected.",
        ),
    ] = 0.5  # fmt: skip
    rejects_pause_seconds: Annotated[
        Annotated[float, Meta(ge=0, le=86_400)],
        _setting(
            "VINCULO_REJECTS_PAUSE_SECONDS", "Limits",
            "Seconds until a paused topic is tried again; 0 waits for an operator.",
        ),
    ] = 900  # fmt: skip
    projection_batch_events_max: Annotated[
        _Count, _setting("VINCULO_PROJECTION_BATCH_EVENTS_MAX", "Limits", "Facts folded at once.")
    ] = 5_000
    earning_batch_facts_max: Annotated[
        _Count,
        _setting(
            "VINCULO_EARNING_BATCH_FACTS_MAX", "Limits",
            "Facts judged at once for points; so long their accounts wait to redeem.",
        ),
    ] = 500  # fmt: skip
    earning_batch_accounts_max: Annotated[
        _Count,
        _setting(
            "VINCULO_EARNING_BATCH_ACCOUNTS_MAX", "Limits",
            "Accounts whose points mature, expire or change tier at once.",
        ),
    ] = 500  # fmt: skip
    party_personas_max: Annotated[
        _Count,
        _setting(
            "VINCULO_PARTY_PERSONAS_MAX", "Limits",
            "Identifiers that one customer may have; a link beyond is recorded and not followed.",
        ),
    ] = 50  # fmt: skip
    timekeeper_interval_seconds: Annotated[
        _Seconds,
        _setting(
            "VINCULO_TIMEKEEPER_INTERVAL_SECONDS", "Limits",
            "How often time advances: a timer fires at most so many seconds after it is due.",
        ),
    ] = 60  # fmt: skip
    rebuild_processes: Annotated[
        Annotated[int, Meta(ge=0, le=256)],
        _setting(
            "VINCULO_REBUILD_PROCESSES", "Limits",
            "Processes of a rebuild or a verification; 0 takes as many as there are processors.",
        ),
    ] = 0  # fmt: skip

    def __repr__(self) -> str:
        """Show no secret, whoever prints or logs this."""
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"Settings({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show no secret to rich either."""
        return [(one.field, shown(one, self)) for one in SETTINGS]


class Setting(msgspec.Struct, frozen=True):
    """What is known of one setting.

    Args:
        field: its name in :class:`Settings`.
        variable: its name in the environment.
        group: under which it is listed.
        description: what it means.
        type: for reading it.
        default: its value where the environment says nothing.
        secret: whether its value may never be shown.

    """

    field: str
    variable: str
    group: str
    description: str
    type: Any
    default: Any
    secret: bool


def _described() -> tuple[Setting, ...]:
    hints = get_type_hints(Settings, include_extras=True)
    found = []
    for field in msgspec.structs.fields(Settings):
        meta = hints[field.name].__metadata__[-1]
        extra = meta.extra
        found.append(
            Setting(
                field.name, extra["variable"], extra["group"], meta.description,
                hints[field.name], field.default, extra["secret"],
            )
        )  # fmt: skip
    return tuple(found)


SETTINGS = _described()
"""Every setting, in the order in which they are documented."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that an environment holds; an empty variable counts as absent.

    Args:
        environment: such as ``os.environ``.

    Raises:
        SettingError: which variable was expected to be what, and what was found.

    """
    values = {
        one.field: _read(one, text)
        for one in SETTINGS
        if (text := environment.get(one.variable, "").strip())
    }
    settings = Settings(**values)
    _refuse_contradictions(settings)
    return settings


def misspelt(environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables that are no settings but look like one, with what may have been meant."""
    known = [one.variable for one in SETTINGS]
    unknown = [
        name
        for name in environment
        if name.startswith(_PREFIX) and name not in known and name not in _ELSEWHERE
    ]
    close = {name: difflib.get_close_matches(name, known, 1, _CLOSE_ENOUGH) for name in unknown}
    return {name: meant[0] for name, meant in close.items() if meant}


def shown(setting: Setting, settings: Settings) -> str:
    """Return a value as it may be shown."""
    value = getattr(settings, setting.field)
    if value is None:
        return ""
    return HIDDEN if setting.secret else str(value)


def markdown() -> str:
    """Return ``docs/settings.md``."""
    lines = [
        "# Settings",
        "",
        "Read once from the environment when a command begins; an empty variable counts as absent.",
        "`vinculo settings` shows the values in force. Secrets are never shown or logged.",
        "",
        "This page is written by `vinculo settings --markdown`.",
    ]
    for group in dict.fromkeys(one.group for one in SETTINGS):
        lines += ["", f"## {group}", "", "| variable | default | expected | meaning |"]
        lines += ["|---|---|---|---|"]
        lines += [_row(one) for one in SETTINGS if one.group == group]
    return "\n".join(lines) + "\n"


def _row(setting: Setting) -> str:
    default = "" if setting.default is None else f"`{setting.default}`"
    return f"| `{setting.variable}` | {default} | {_expected(setting)} | {setting.description} |"


def _read(setting: Setting, text: str) -> Any:  # noqa: ANN401 - as the setting says
    try:
        return msgspec.convert(text, setting.type, strict=False)
    except msgspec.ValidationError as error:
        found = "a value that is not shown" if setting.secret else repr(text[:100])
        default = "" if setting.default is None else f" for {setting.default}"
        message = (
            f"{setting.variable}: expected {_expected(setting)}, found {found}; "
            f"correct it, or leave it out{default}"
        )
        raise SettingError(message) from error


def _refuse_contradictions(settings: Settings) -> None:
    if settings.secret and settings.secret_file:
        message = "VINCULO_SECRET and VINCULO_SECRET_FILE: expected one, found both; leave one out"
        raise SettingError(message)
    if settings.kafka_protocol.startswith("SASL") and not settings.kafka_mechanism:
        message = (
            f"KAFKA_SASL_MECHANISM: expected one for the protocol {settings.kafka_protocol}, "
            "found none; set it, with KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
        )
        raise SettingError(message)


def _expected(setting: Setting) -> str:
    """Say in words what a setting may hold."""
    plain, limits = _unwrap(setting.type)
    if choices := [choice for one in _members(plain) for choice in get_args(one)]:
        return "one of " + ", ".join(f"`{choice}`" for choice in choices)
    least, most = limits.get("ge"), limits.get("le")
    match plain:
        case _ if plain is int:
            return f"a whole number from {least} to {most}"
        case _ if plain is float:
            return f"a number from {least:g} to {most:g}"
        case _ if "pattern" in limits:
            return f"{limits['max_length']} characters at most of a-z, 0-9, - and _"
        case _:
            return "text"


def _members(kind: Any) -> tuple[Any, ...]:  # noqa: ANN401 - an annotation
    """Return the literal types among an annotation's alternatives."""
    alternatives = get_args(kind) if type(None) in get_args(kind) else (kind,)
    return tuple(one for one in alternatives if getattr(one, "__origin__", None) is Literal)


def _unwrap(kind: Any) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401 - an annotation
    """Return an annotation's own type and the limits of its values."""
    limits: dict[str, Any] = {}
    while hasattr(kind, "__metadata__"):
        for mark in kind.__metadata__:
            for name in ("ge", "le", "max_length", "pattern"):
                if getattr(mark, name) is not None:
                    limits[name] = getattr(mark, name)
        kind = kind.__origin__
    return kind, limits
