"""A business of the test's own and a server before it: PostgreSQL, journal, view, uvicorn."""

from collections.abc import Iterator

import pytest

from tests.api.business import Business
from tests.api.server import Api
from tests.servers import Databases


@pytest.fixture
def business(database_url: str) -> Iterator[Business]:
    """A tenant without facts."""
    with Business(database_url) as made:
        yield made


@pytest.fixture
def api(business: Business) -> Iterator[Api]:
    """A server of that tenant on 127.0.0.1, and clients with keys."""
    business.project()
    with Api(business) as running:
        yield running


@pytest.fixture(scope="module")
def shared_api(databases: Databases) -> Iterator[Api]:
    """A server of a small business, for tests of a module that change nothing."""
    with databases.fresh() as url, Business(url) as made:
        made.open_shop()
        made.project()
        with Api(made) as running:
            yield running
