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
    """PyMySQL leaves the socket of a connection that was refused to the garbage collector, which Python warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.fixture(params=list(Schema), ids=lambda schema: schema.name.lower())
def schema(request) -> Schema:
    """Each version of the tables in turn; `parametrize("schema", [Schema.NEW])` chooses one."""
    return request.param


@pytest.fixture
def site_copy(mariadb, schema) -> Iterator[Copy]:
    """A copy of the site with its week of orders, made anew for each test (a tenth of a second)."""
    copy = mariadb.database("site_copy")
    fill(copy, schema)
    yield copy
    copy.drop()


@pytest.fixture
def source(site_copy, settings) -> Iterator[Source]:
    """The copy, as the import sees it: by the account that may only read."""
    settings.BITRIX_MYSQL_URL = site_copy.url("reader")
    settings.BITRIX_PAY_SYSTEMS = PAY_METHODS
    with Source.configured() as opened:
        yield opened
