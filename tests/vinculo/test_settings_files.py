"""The files that settings name: rules, sources, the secret. What is wrong is said, not guessed."""

import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from domain.errors import VinculoError
from domain.instants import day_of, instant_of
from journal.sources import read_sources
from vinculo.composition import SECRET_FILE, Composition
from vinculo.registering import example_sources, register_with, source_of
from vinculo.rules import DEFAULT, read_rules
from vinculo.settings import Settings
from vinculo.simulator import BUSINESS_ZONE, PROFILES

EXAMPLES = Path(__file__).parents[2] / "vinculo" / "examples"


def rules(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    return path


def test_rules_are_read_with_their_dates(tmp_path: Path) -> None:
    path = rules(
        tmp_path,
        """
        [[zone]]
        zone = "Europe/Lisbon"
        [[zone]]
        effective_from = 2024-06-01T00:00:00+02:00
        zone = "Europe/Madrid"
        [[lifecycle]]
        version = "later"
        effective_from = 2025-01-01
        risk_tenths = 40
        [[lifecycle]]
        version = "first"
        [[programme]]
        code = "club"
        upstream_states_expiry = false
        """,
    )
    context = read_rules(path)
    turn = instant_of(datetime(2024, 5, 31, 22, tzinfo=UTC))
    assert ["Europe/Lisbon", "Europe/Madrid"] == [
        str(context.calendar.zone_at(turn + step)) for step in (-1, 0)
    ]
    turn_day = day_of(date(2025, 1, 1))
    assert ["first", "later"] == [context.lifecycle.on(turn_day + step).version for step in (-1, 0)]
    assert 40 == context.lifecycle.on(turn_day).risk_tenths
    assert not context.loyalty.programme("club").upstream_states_expiry


def test_an_empty_file_of_rules_is_the_published_defaults(tmp_path: Path) -> None:
    context = read_rules(rules(tmp_path, ""))
    assert (DEFAULT.calendar, DEFAULT.lifecycle) == (context.calendar, context.lifecycle)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[[zone]]\nzone = "Europe/Atlantis"', "No time zone found"),
        ("[[lifecycle]]\nrisk_tents = 4", "unknown field `risk_tents`"),
        ("[[lifecycle]]\nrisk_tenths = 0", "`int` >= 1"),
        ('[[zone]]\nzone = "UTC"\neffective_from = 2025-01-01T00:00:00', "without an offset"),
        ('[[zone]]\nzone = "UTC"\n[[zone]]\nzone = "Europe/Madrid"', "begin at the same time"),
        ('[[programme]]\ncode = "a"\n[[programme]]\ncode = "a"', "each loyalty programme once"),
        ("[[zone", "Expected"),
    ],
)
def test_wrong_rules_are_refused_saying_what_was_found(
    tmp_path: Path, text: str, found: str
) -> None:
    with pytest.raises(VinculoError, match="rules: expected a TOML file") as refusal:
        read_rules(rules(tmp_path, text))
    assert found in str(refusal.value)


def test_the_examples_are_those_of_the_simulated_business_and_the_public_data() -> None:
    assert example_sources() == (EXAMPLES / "sources.toml").read_text(encoding="utf-8")
    registered = read_sources(EXAMPLES / "sources.toml").by_name
    assert [source_of(one) for one in PROFILES] == [registered[one.source] for one in PROFILES]
    zone = read_rules(EXAMPLES / "rules.toml").calendar.zone_at(0)
    assert BUSINESS_ZONE == str(zone)


def test_a_registered_source_is_never_overruled_by_a_profile() -> None:
    register = read_sources(EXAMPLES / "sources.toml")
    assert register.by_name == register_with(register, PROFILES).by_name


# ------------------------------------------------------------------ the secret


def composition(folder: Path | None = None, settings: Settings | None = None) -> Composition:
    return Composition(settings or Settings(), "postgresql://nowhere", folder)


def given(made: Composition) -> bytes:
    """The secret as it is set, before any journal is asked about it."""
    assert made.given_secret is not None
    return made.given_secret.secret


def test_a_secret_is_made_once_for_us_alone(tmp_path: Path) -> None:
    first = given(composition(tmp_path))
    assert first == given(composition(tmp_path))
    assert 0o600 == stat.S_IMODE((tmp_path / SECRET_FILE).stat().st_mode)
    assert len(set(first)) > 8


def test_a_file_of_random_bytes_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tenant"
    path.write_bytes(bytes(range(31)) + b"\n")
    assert bytes(range(31)) + b"\n" == given(composition(settings=Settings(secret_file=str(path))))


@pytest.mark.parametrize("content", [None, b"", b"x" * 31])
def test_a_secret_that_is_missing_or_short_is_refused_without_being_shown(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "tenant"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VinculoError, match=r"VINCULO_SECRET_FILE: expected .* found") as refusal:
        _ = composition(settings=Settings(secret_file=str(path))).secret
    assert "xxx" not in str(refusal.value)


def test_no_secret_is_ever_made_beside_a_server_that_is_not_ours() -> None:
    with pytest.raises(VinculoError, match="found neither VINCULO_SECRET_FILE nor VINCULO_SECRET"):
        _ = composition().secret


def test_sources_that_are_not_named_are_asked_for() -> None:
    with pytest.raises(VinculoError, match="set VINCULO_SOURCES to a TOML file"):
        _ = composition().sources


def test_rules_that_are_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(VinculoError, match=r"rules: expected a TOML file .* No such file"):
        _ = composition(settings=Settings(rules=str(tmp_path / "none.toml"))).context
    assert DEFAULT == composition(tmp_path).context
