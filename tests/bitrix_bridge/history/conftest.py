"""A MariaDB with copies of the site."""

from collections.abc import Iterator

import pytest

from tests.mariadb import Copy, Server, running


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A server of one's own for each process that runs tests, started when the first test asks for it."""
    with running() as server:
        yield server


@pytest.fixture
def empty_copy(mariadb) -> Iterator[Copy]:
    """A database without tables, gone after the test."""
    copy = mariadb.database("empty")
    yield copy
    copy.drop()
