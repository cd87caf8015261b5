"""Databases with the tables of the earlier CRM, before and after their adoption."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command

from tests import scratch_database
from tests.cvety_crm.adoption import earlier_shop

OPTIONS = {"apply": True, "without_backup": True, "duplicates": "newest"}


@pytest.fixture(scope="session")
def earlier_template(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Yield the name of a database like the shop's on Supabase. It is only copied."""
    with django_db_blocker.unblock(), scratch_database.database("earlier") as name:
        scratch_database.create_supabase_roles()
        with scratch_database.connected(name):
            scratch_database.make_like_supabase()
            earlier_shop.create_tables()
        yield name


@pytest.fixture(scope="session")
def adopted_template(earlier_template: str, django_db_blocker: Any) -> Iterator[str]:
    """Yield the name of an adopted database. It is only copied."""
    with django_db_blocker.unblock(), scratch_database.database("adopted", earlier_template) as name:
        with scratch_database.connected(name):
            call_command("adopt_supabase", **OPTIONS)
        yield name


@pytest.fixture
def empty(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Let Django use an empty database."""
    with django_db_blocker.unblock(), scratch_database.database("empty") as name, scratch_database.connected(name):
        yield name


@pytest.fixture
def earlier(earlier_template: str, django_db_blocker: Any) -> Iterator[str]:
    """Let Django use a copy of the earlier database."""
    copy = scratch_database.database("copy", earlier_template)
    with django_db_blocker.unblock(), copy as name, scratch_database.connected(name):
        yield name


@pytest.fixture
def adopted(adopted_template: str, django_db_blocker: Any) -> Iterator[str]:
    """Let Django use a copy of the adopted database."""
    copy = scratch_database.database("copy", adopted_template)
    with django_db_blocker.unblock(), copy as name, scratch_database.connected(name):
        yield name


@pytest.fixture
def superuser() -> str:
    """Return the role that may do everything on the private server of the tests."""
    return "postgres"


@pytest.fixture
def adopt(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs the command and returns its output."""

    def adopt(**options: Any) -> str:
        call_command("adopt_supabase", **options)
        return capsys.readouterr().out

    return adopt
