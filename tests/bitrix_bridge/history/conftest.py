"""Fixtures of a MariaDB server with copies of the site's database."""

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bitrix_bridge.history.source import Source
from tests.bitrix_bridge.history.reference import PAY_METHODS
from tests.bitrix_bridge.history.tables import Schema
from tests.bitrix_bridge.history.week import fill
from tests.mariadb import Copy


@contextmanager
def unanswered() -> Iterator[None]:
    """Ignore ResourceWarning, because PyMySQL leaves the socket of a refused connection to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.fixture(params=list(Schema), ids=lambda schema: schema.name.lower())
def schema(request) -> Schema:
    """Return one version of the tables. Each test runs with both versions.

    `parametrize("schema", [Schema.NEW])` selects one of them.
    """
    return request.param


@pytest.fixture
def site_copy(mariadb, schema) -> Iterator[Copy]:
    """Yield a copy of the site's database with the orders of the week. Its creation takes 0.1 s for each test."""
    copy = mariadb.database("site_copy")
    fill(copy, schema)
    yield copy
    copy.drop()


@pytest.fixture
def source(site_copy, settings) -> Iterator[Source]:
    """Yield the connection that the import opens to the copy of the site's database, with the read-only account."""
    settings.BITRIX_MYSQL_URL = site_copy.url("reader")
    settings.BITRIX_PAY_SYSTEMS = PAY_METHODS
    with Source.configured() as opened:
        yield opened
