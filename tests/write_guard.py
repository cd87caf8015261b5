"""The write guard fails a test if production code outside `orders.services` writes a table of `orders`.

The write guard inspects each SQL statement of this process and the stack of the call that executes it. It finds writes
that the source does not show: querysets passed to other functions, `ModelAdmin.save_model`, and cascades. It does not
see other processes and COPY.
"""

import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.apps import apps
from django.db import connections
from django.db.backends.signals import connection_created
from psycopg.sql import Composable

from cvety_crm.dev.write_check.rules import EDITED_IN_ADMIN, OUTBOX, SERVICES, WRITTEN_BY_OUTBOX
from cvety_crm.dev.write_check.sql import write_pattern, written_table

ROOT = Path(__file__).resolve().parents[1]
PREPARATION = (f"{ROOT}/tests/", f"{ROOT}/bench/", "/migrations/", "/cvety_crm/management/commands/migrate.py")
"""The code that may write rows directly: tests and benchmarks create rows, and migrations change them."""
FOR_CALLERS = (
    f"{ROOT}/orders/models/",
    f"{ROOT}/cvety_crm/bulk_writes.py",
    f"{ROOT}/cvety_crm/correlation.py",
    f"{ROOT}/cvety_crm/request_addresses.py",
    f"{ROOT}/cvety_crm/security_headers.py",
)
"""A model's own `save` and a flush of collected writes write for their callers. A middleware only calls the view."""
ADMIN = "/django/contrib/admin/options.py"

_violations: list[str] = []


@cache
def _pattern() -> re.Pattern[str]:
    return write_pattern(_models())


@cache
def _models() -> dict[str, str]:
    return {model._meta.db_table: model.__name__ for model in apps.get_app_config("orders").get_models()}


def check_statement(execute: Callable[..., Any], sql: str | Composable, params: Any, many: bool, context: Any) -> Any:
    """Execute a statement. Record it if it writes a table of `orders` and is not called by a service."""
    text = sql if isinstance(sql, str) else sql.as_string(None)
    table = None if text.startswith("SELECT") else written_table(_pattern(), text)
    if table and (place := forbidden_place(sys._getframe(1), _models()[table])):
        _violations.append(f"{place} writes {table}: {text[:200]}")
    return execute(sql, params, many, context)


def forbidden_place(frame: FrameType | None, model: str) -> str:
    """Return the file and the line of the production code that writes the model.

    The result is an empty string if the write is allowed.
    """
    nearest, is_admin = "", False
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(f"{ROOT}/{SERVICES}/"):
            return ""
        if model in WRITTEN_BY_OUTBOX and file.startswith(f"{ROOT}/{OUTBOX}/"):
            return ""
        is_admin = is_admin or file.endswith(ADMIN)
        if not nearest and _is_ours(file) and not file.startswith(FOR_CALLERS):
            if any(part in file for part in PREPARATION):
                return ""
            nearest = f"{file.removeprefix(f'{ROOT}/')}:{frame.f_lineno}"
        frame = frame.f_back
    return "" if is_admin and model in EDITED_IN_ADMIN else nearest


def _is_ours(file: str) -> bool:
    return file.startswith(f"{ROOT}/") and "/site-packages/" not in file


def _watch(connection: Any, **_kwargs: Any) -> None:
    if check_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(check_statement)


@pytest.fixture(scope="session", autouse=True)
def _watched_connections() -> Iterator[None]:
    connection_created.connect(_watch, dispatch_uid="tests.write_guard")
    for connection in connections.all(initialized_only=True):
        _watch(connection)
    yield
    connection_created.disconnect(dispatch_uid="tests.write_guard")


@pytest.fixture(autouse=True)
def forbidden_writes() -> Iterator[list[str]]:
    """Yield the list of forbidden writes of this test. Fail the test if the list is not empty at the end."""
    _violations.clear()
    yield _violations
    found = list(_violations)
    _violations.clear()
    if found:
        pytest.fail("\n".join(["Only orders.services may write these tables:", *found]), pytrace=False)
