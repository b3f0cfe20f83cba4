"""compose.yaml and Dockerfile: the whole product on one machine, open to nobody else."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from vinculo.postgres.configuration import server_settings

REPOSITORY = Path(__file__).parents[2]
GIGABYTE = 1024**3
OPENING = {"privileged", "network_mode", "pid", "ipc", "cap_add", "devices", "userns_mode"}
WORKERS = {"intake", "project", "earning", "timekeeper"}


def composition() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
    return document


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = composition()["services"]
    return found


def test_it_starts_the_servers_the_migration_the_workers_and_the_api() -> None:
    assert {"postgres", "kafka", "migrate", "api", *WORKERS} == set(services())


@pytest.mark.parametrize(
    ("service", "command"),
    [
        ("migrate", ["migrate"]),
        ("intake", ["work", "intake"]),
        ("project", ["work", "project"]),
        ("earning", ["work", "earning"]),
        ("timekeeper", ["work", "timekeeper"]),
    ],
)
def test_each_role_runs_its_command(service: str, command: list[str]) -> None:
    assert command == services()[service]["command"]


@pytest.mark.parametrize("service", ["postgres", "kafka", "api"])
def test_what_others_connect_to_says_whether_it_is_healthy(service: str) -> None:
    check = services()[service]["healthcheck"]
    assert {"test", "interval", "timeout", "retries", "start_period"} == set(check)


@pytest.mark.parametrize("service", ["api", *sorted(WORKERS)])
def test_the_product_waits_for_the_schema_and_a_healthy_broker(service: str) -> None:
    expected = {
        "migrate": {"condition": "service_completed_successfully"},
        "kafka": {"condition": "service_healthy"},
    }
    assert expected == services()[service]["depends_on"]


def test_the_migration_waits_for_a_healthy_database() -> None:
    expected = {"postgres": {"condition": "service_healthy"}}
    assert expected == services()["migrate"]["depends_on"]


@pytest.mark.parametrize("service", ["api", *sorted(WORKERS)])
def test_a_worker_that_ends_is_started_again(service: str) -> None:
    assert services()[service]["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", sorted(services()))
def test_no_service_is_opened_to_the_machine_below(service: str) -> None:
    definition = services()[service]
    assert OPENING.isdisjoint(definition)
    sources = [str(volume).split(":", maxsplit=1)[0] for volume in definition.get("volumes", [])]
    assert set(sources) <= set(composition()["volumes"])


@pytest.mark.parametrize("service", ["migrate", "api", *sorted(WORKERS)])
def test_the_product_runs_without_rights_it_does_not_need(service: str) -> None:
    definition = services()[service]
    assert (True, ["ALL"], ["no-new-privileges:true"]) == (
        definition["read_only"],
        definition["cap_drop"],
        definition["security_opt"],
    )


@pytest.mark.parametrize("service", sorted(services()))
def test_ports_are_bound_to_the_loopback_address(service: str) -> None:
    for port in services()[service].get("ports", []):
        assert str(port).startswith("127.0.0.1:")


@pytest.mark.parametrize("service", ["migrate", "api", *sorted(WORKERS)])
def test_the_product_connects_to_services_that_exist(service: str) -> None:
    environment = services()[service]["environment"]
    database = urlsplit(environment["DATABASE_URL"].replace("?set", "%3Fset").replace(" ", ""))
    hosts = {
        database.netloc.rsplit("@", maxsplit=1)[1].split(":")[0],
        environment["KAFKA_BOOTSTRAP_SERVERS"].split(":")[0],
    }
    assert hosts <= set(services())


def test_passwords_and_secrets_come_from_outside() -> None:
    assert services()["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${")
    assert composition()["secrets"]["tenant"]["file"].startswith("${")


def test_postgres_runs_with_the_settings_of_the_product() -> None:
    words = services()["postgres"]["command"]
    found = dict(word.split("=", maxsplit=1) for word in words if "=" in word)
    product = server_settings(Path("/"), 16 * GIGABYTE, "lz4")
    assert found == {name: product.get(name) for name in found}
    measured = {"shared_buffers", "max_wal_size", "wal_compression", "synchronous_commit", "fsync"}
    assert measured <= set(found)


@pytest.mark.parametrize("service", sorted(services()))
def test_images_are_pinned_to_a_version(service: str) -> None:
    _, version = services()[service]["image"].split(":")
    assert version != "latest"


def test_the_image_is_built_from_hashed_requirements_and_does_not_run_as_root() -> None:
    lines = (REPOSITORY / "Dockerfile").read_text().splitlines()
    assert any("--require-hashes --requirement requirements.txt" in line for line in lines)
    assert [line for line in lines if line.startswith("USER ")] == ["USER vinculo"]


def test_the_image_holds_every_room_of_the_product() -> None:
    lines = (REPOSITORY / "Dockerfile").read_text().splitlines()
    copied = {line.split()[1] for line in lines if line.startswith("COPY ")}
    rooms = {"domain", "journal", "projections", "consumers", "api", "vinculo", "schemas"}
    assert rooms <= copied
