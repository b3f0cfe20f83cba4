"""A server that may lose acknowledged commits is refused; a slow one is told of."""

import psycopg
import pytest

from journal.server_settings import UnsafeServerError, check_server


def test_the_products_own_server_has_nothing_to_be_told(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert [] == [str(one) for one in check_server(connection)]


def test_a_session_that_does_not_wait_for_the_disk_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SET synchronous_commit = off")
        with pytest.raises(UnsafeServerError, match="synchronous_commit"):
            check_server(connection)
