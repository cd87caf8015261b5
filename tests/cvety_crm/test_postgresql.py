"""Tests of the check of a persistent connection between two requests, with a real PostgreSQL."""

import re
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import RequestFactory

from bitrix_bridge.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)

QUERY = re.compile(r'\tF\t\d+\t(?:Query\t |Parse\t "[^"]*" )"([^"]*)"')


@pytest.fixture(autouse=True)
def _own_connection():
    """Close the connection that the test has used, so that no later test gets it."""
    yield
    connection.close()


def request():
    """Send an event as gunicorn does, and return the process id of the PostgreSQL process that stored it.

    Django's test client does not check connections between requests.
    """
    factory = RequestFactory(headers={"Authorization": "Bearer made-up-webhook-token"})
    body = {"event": "coupon.used", "data": {}}
    environ = factory.post("/webhooks/bitrix/order", body, content_type="application/json").environ
    response: Any = get_wsgi_application()(environ, lambda *_: lambda _: None)
    response.close()
    assert response.status_code == 200
    return connection.connection.info.backend_pid


@contextmanager
def other_session():
    parameters = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{name: parameters.get(name) for name in names}, autocommit=True) as session:
        yield session


def statements(path):
    """Return the statements that one more request sends on the present connection."""
    with path.open("w") as file:
        connection.connection.pgconn.trace(file.fileno())
        request()
        connection.connection.pgconn.untrace()
    return QUERY.findall(path.read_text())


def test_connection_is_reused_without_a_statement(tmp_path):
    first = request()
    begin, insert, commit = statements(tmp_path / "trace")
    assert (begin, commit) == ("BEGIN", "COMMIT")
    assert insert.startswith("INSERT INTO ")
    assert request() == first


@pytest.mark.parametrize("times", [1, 2])
def test_request_after_postgresql_closed_the_connection_gets_a_new_one(times):
    for _ in range(times):
        ended = request()
        with other_session() as session:
            # With a timeout, PostgreSQL waits until the process has ended.
            assert session.execute("SELECT pg_terminate_backend(%s, 10000)", [ended]).fetchone() == (True,)
        assert request() != ended
    assert WebhookEvent.objects.count() == 2 * times


def test_request_after_a_message_of_the_server_checks_and_keeps_the_connection(tmp_path):
    first = request()
    with connection.cursor() as cursor:
        cursor.execute("LISTEN something")
    with other_session() as session:
        session.execute("NOTIFY something")
    assert statements(tmp_path / "one")[:2] == ["SELECT 1", "BEGIN"]
    assert statements(tmp_path / "two")[0] == "BEGIN"
    assert request() == first


def test_request_after_a_forgotten_transaction_gets_a_new_connection():
    first = request()
    connection.set_autocommit(False)
    assert request() != first
