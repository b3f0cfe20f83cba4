"""The tenant's secret and the API's keys, as the commands treat them."""

import psycopg
import pytest

from api.keys import SCOPES, digest_of, find_holder
from tests.vinculo.commands import Run, number, simulated
from vinculo.commands.keys import SCOPES as OFFERED_SCOPES

ANOTHER = "another secret of the tests, 32 bytes or more"


@pytest.mark.parametrize("arguments", [
    ["ingest", "-"], ["migrate"], ["status"], ["accounts"], ["verify"], ["rejected", "list"],
    ["serve", "--port", "0"], ["work", "project"], ["work", "timekeeper"], ["rebuild"],
])  # fmt: skip
def test_another_secret_than_the_first_is_refused_and_nothing_written(
    run: Run, database_url: str, arguments: list[str]
) -> None:
    run("migrate")
    result = run(*arguments, given=simulated(), code=1, VINCULO_SECRET=ANOTHER)
    assert "expected the secret that this tenant's log was begun with" in result.stderr
    assert ANOTHER not in result.output
    written = "select sum(position)::int from journal.log_head"
    assert 0 == number(database_url, written)
    assert 0 == number(database_url, "select count(*) from subject.subject_key")


def test_a_journal_older_than_its_fingerprint_knows_its_secret_by_its_keys(
    tenant: Run, database_url: str
) -> None:
    tenant("ingest", "-", given=simulated())
    with psycopg.connect(database_url) as owner:
        owner.execute("delete from subject.secret_fingerprint")
    tenant("ingest", "-", given=simulated(), code=1, VINCULO_SECRET=ANOTHER)
    assert 0 == number(database_url, "select count(*) from subject.secret_fingerprint")
    tenant("ingest", "-", given=simulated())
    assert 1 == number(database_url, "select count(*) from subject.secret_fingerprint")


@pytest.mark.parametrize("arguments", [["status"], ["migrate"], ["accounts"], ["keys", "list"]])
def test_too_short_a_secret_fails_every_command(tenant: Run, arguments: list[str]) -> None:
    result = tenant(*arguments, code=1, VINCULO_SECRET="short")
    assert "VINCULO_SECRET: expected at least 32 bytes, found 5" in result.stderr


def test_a_key_is_made_listed_and_revoked(tenant: Run, database_url: str) -> None:
    token = tenant("keys", "create", "--holder", "ana", "--scope", "read").stdout.strip()
    digest = digest_of(token.encode())
    assert digest is not None
    with psycopg.connect(database_url) as connection:
        holder = find_holder(connection, "main", digest)
        assert holder is not None
        assert ("ana", frozenset({"read"})) == (holder.name, holder.scopes)
    listed = tenant("keys", "list").stdout
    assert holder.key_id in listed
    assert token not in listed
    tenant("keys", "revoke", holder.key_id)
    with psycopg.connect(database_url) as connection:
        assert find_holder(connection, "main", digest) is None
    assert "found none" in tenant("keys", "revoke", holder.key_id, code=1).stderr


def test_every_scope_of_the_api_is_offered() -> None:
    assert SCOPES == OFFERED_SCOPES
