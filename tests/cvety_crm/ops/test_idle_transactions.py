"""Tests of the limit of time without a statement in a transaction."""

from threading import Thread

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection

from cvety_crm.ops.idle_transactions import LIMIT, current_limit

pytestmark = pytest.mark.django_db(transaction=True)


def limit_of_new_connection() -> int:
    """Return the limit of a connection that another process would open, in milliseconds."""
    found: list[int] = []

    def run():
        found.append(current_limit(connection))
        connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture
def set_limit():
    """Return a function that sets the limit of the test's database. It is set to its value again after the test."""

    def run(value: str) -> None:
        with connection.cursor() as cursor:
            name = connection.ops.quote_name(connection.settings_dict["NAME"])
            cursor.execute(
                f"ALTER ROLE CURRENT_USER IN DATABASE {name} SET idle_in_transaction_session_timeout = {value}"
            )
        connection.close()

    yield run
    run(f"'{LIMIT.seconds}s'")


def warnings() -> list[str]:
    return [one.id for one in run_checks(databases=["default"]) if one.id == "cvety_crm.W002"]


def test_migrate_sets_the_limit_for_every_new_connection(set_limit):
    assert limit_of_new_connection() == LIMIT.seconds * 1000
    set_limit("0")
    assert (limit_of_new_connection(), warnings()) == (0, ["cvety_crm.W002"])
    call_command("migrate", verbosity=0)
    assert (limit_of_new_connection(), warnings()) == (LIMIT.seconds * 1000, [])


def test_limit_that_somebody_has_set_is_kept(set_limit):
    set_limit("'15s'")
    call_command("migrate", verbosity=0)
    assert limit_of_new_connection() == 15_000
