"""Settings: read once, refused with a reason, documented, and no secret is ever shown."""

import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from vinculo.cli import cli
from vinculo.settings import (
    SETTINGS,
    SettingError,
    Settings,
    markdown,
    misspelt,
    read_settings,
)

REPOSITORY = Path(__file__).parents[2]
SECRETS = [one for one in SETTINGS if one.secret]


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings() == read_settings({})


def test_an_empty_variable_counts_as_absent() -> None:
    assert Settings() == read_settings({"VINCULO_API_PORT": "", "DATABASE_URL": " "})


def test_every_setting_is_read_from_its_variable() -> None:
    values = {"VINCULO_API_PORT": "9000", "VINCULO_REJECTS_SHARE": "0.25", "VINCULO_LOG": "json"}
    found = read_settings(values | {"KAFKA_BOOTSTRAP_SERVERS": "a:1,b:2"})
    expected = (9_000, 0.25, "json", "a:1,b:2")
    assert expected == (
        found.api_port,
        found.rejects_share,
        found.log_format,
        found.kafka_servers,
    )


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("VINCULO_API_PORT", "70000", "a whole number from 0 to 65535, found '70000'"),
        ("VINCULO_API_PORT", "http", "a whole number from 0 to 65535, found 'http'"),
        ("VINCULO_REJECTS_SHARE", "1.5", "a number from 0 to 1, found '1.5'"),
        ("VINCULO_LOG", "xml", "one of `auto`, `json`, `console`, found 'xml'"),
        ("KAFKA_SASL_MECHANISM", "GSSAPI", "one of `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`"),
        ("VINCULO_TENANT", "A b", "60 characters at most of a-z, 0-9, - and _, found 'A b'"),
    ],
)
def test_a_wrong_value_is_refused_saying_what_was_expected_and_found(
    variable: str, value: str, expected: str
) -> None:
    with pytest.raises(SettingError, match=re.escape(f"{variable}: expected {expected}")):
        read_settings({variable: value})


def test_a_wrong_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingError) as refusal:
        read_settings({"VINCULO_SECRET": "hush" * 300})
    assert "hush" not in str(refusal.value)
    assert "a value that is not shown" in str(refusal.value)


@given(st.text("0123456789abcdef", min_size=40, max_size=64))
def test_no_secret_is_shown_however_settings_are_printed(secret: str) -> None:
    settings = read_settings({one.variable: secret for one in SECRETS})
    assert all(getattr(settings, one.field) == secret for one in SECRETS)
    for printed in (repr(settings), str(settings), pretty_repr(settings)):
        assert secret not in printed


def test_the_command_shows_values_but_no_secret() -> None:
    environment = {"DATABASE_URL": "postgresql://someone:hushhush@db/x", "VINCULO_TENANT": "acme"}
    result = CliRunner().invoke(cli, ["settings"], env=environment)
    assert (0, False, True) == (
        result.exit_code,
        "hushhush" in result.output,
        "acme" in result.output,
    )


@pytest.mark.parametrize(
    "values",
    [
        {"VINCULO_SECRET": "x" * 40, "VINCULO_SECRET_FILE": "/some/file"},
        {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"},
    ],
)
def test_settings_that_contradict_each_other_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=r"expected one.*found"):
        read_settings(values)


def test_a_misspelt_variable_is_noticed() -> None:
    found = misspelt({"VINCULO_SECRET_FLIE": "x", "VINCULO_TEST_POSTGRES": "15", "PATH": "/bin"})
    assert {"VINCULO_SECRET_FLIE": "VINCULO_SECRET_FILE"} == found


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings().tenant = "other"  # type: ignore[misc]


def test_every_setting_is_documented_with_its_default_and_its_limits() -> None:
    document = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    assert markdown() == document
    assert len(msgspec.structs.fields(Settings)) == document.count("\n| `")


def test_every_variable_that_compose_passes_on_is_a_setting() -> None:
    compose = (REPOSITORY / "compose.yaml").read_text(encoding="utf-8")
    passed = set(re.findall(r"^    ((?:VINCULO|KAFKA|DATABASE)_\w+):", compose, re.MULTILINE))
    assert {"DATABASE_URL", "VINCULO_SECRET_FILE", "VINCULO_SOURCES"} <= passed
    assert passed <= {one.variable for one in SETTINGS}
