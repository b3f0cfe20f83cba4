"""Tenants: two logs each, made once, whoever asks and however many at once."""

import threading

import psycopg
import pytest

from domain.errors import VinculoError
from journal.reading import head_of
from journal.tenants import Logs, create_tenant, find_tenant

CALLERS = 6


def test_a_tenant_is_made_once_and_found_again(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        made = create_tenant(owner, "acme")
        assert made == create_tenant(owner, "acme") == find_tenant(owner, "acme")
        assert (0, 0) == (head_of(owner, made.facts), head_of(owner, made.decisions))


def test_two_tenants_share_no_log(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        one, other = create_tenant(owner, "acme"), create_tenant(owner, "umbrella")
    assert 4 == len({one.facts, one.decisions, other.facts, other.decisions})


def test_many_callers_at_once_make_each_tenant_once(database_url: str) -> None:
    made: list[Logs] = []
    start = threading.Barrier(CALLERS)

    def call(number: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as owner:
            start.wait()
            made.append(create_tenant(owner, f"tenant {number % 2}"))

    callers = [threading.Thread(target=call, args=(number,)) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert CALLERS == len(made)
    assert 2 == len({(logs.facts, logs.decisions) for logs in made})
    with psycopg.connect(database_url) as owner:
        assert (4, 4) == owner.execute(
            "SELECT (SELECT count(*) FROM journal.log), (SELECT count(*) FROM journal.log_head)"
        ).fetchone()


def test_a_tenant_that_is_not_there_is_an_error_that_says_what_to_do(database_url: str) -> None:
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(VinculoError, match=r"'nobody'.*vinculo migrate"),
    ):
        find_tenant(connection, "nobody")


def test_a_log_that_is_not_there_has_no_head(database_url: str) -> None:
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(VinculoError, match="log 99"),
    ):
        head_of(connection, 99)
