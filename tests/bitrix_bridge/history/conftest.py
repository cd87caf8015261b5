"""A MariaDB with copies of the site."""

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
    """Ignore ResourceWarning: PyMySQL leaves the socket of a refused connection to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.fixture(params=list(Schema), ids=lambda schema: schema.name.lower())
def schema(request) -> Schema:
    """Return each version of the tables; `parametrize("schema", [Schema.NEW])` selects one."""
    return request.param


@pytest.fixture
def site_copy(mariadb, schema) -> Iterator[Copy]:
    """Create a copy of the site with its week of orders for each test (it takes 0.1 s)."""
    copy = mariadb.database("site_copy")
    fill(copy, schema)
    yield copy
    copy.drop()


@pytest.fixture
def source(site_copy, settings) -> Iterator[Source]:
    """Connect to the copy as the import does, with the read-only account."""
    settings.BITRIX_MYSQL_URL = site_copy.url("reader")
    settings.BITRIX_PAY_SYSTEMS = PAY_METHODS
    with Source.configured() as opened:
        yield opened
