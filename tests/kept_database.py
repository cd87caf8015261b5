"""A migrated database that is kept between runs. Each test database is created as a copy of this kept database.

Copying is much faster than migrating, and each run still starts with a clean database. The name of the kept database
contains a hash of the files that define it, so after a change of a migration, a new kept database is created.
`--create-db` creates the kept database again.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from psycopg import sql

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "kept_test_template_"
LOCK = 6_730_152  # any number, because no other program uses advisory locks in the database "postgres"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, request: Any, django_db_blocker: Any) -> None:
    """Let Django create the test database as a copy of the kept database."""
    # The first process has just created the kept database again if --create-db is set, so an xdist worker uses it.
    is_again = request.config.getoption("create_db") and not hasattr(request.config, "workerinput")
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = ensure_template(again=is_again)


def ensure_template(*, again: bool = False) -> str:
    """Return the name of the kept database.

    Create it if it is missing or if `again` is true, and drop the kept databases of earlier migrations.
    """
    name = PREFIX + fingerprint(ROOT)
    with _exclusive_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        kept = {row[0] for row in cursor.fetchall()}
        if name in kept and not again:
            return name
        for old in kept:
            cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(old)))
        # The database is renamed after it is complete. A killed run then leaves no incomplete database with this name.
        unfinished = _migrate(f"{PREFIX}unfinished")
        cursor.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(name))
        )
    return name


def fingerprint(root: Path) -> str:
    """Return a hash of all files that define a migrated database."""
    files = {path for path in root.glob("*/migrations/*.py") if not path.parts[-3].startswith(".")}
    files |= {module for file in files for module in _imported_modules(root, file)}
    files |= set(root.glob("orders/status_profiles/*.csv"))  # the first migration inserts these rows
    files |= set(root.glob("orders/message_templates.csv"))  # these rows are inserted after the first migration
    files |= {root / "requirements.txt", root / "constraints.txt"}
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _imported_modules(root: Path, file: Path) -> Iterator[Path]:
    """Yield the files of the project's modules that a migration imports."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names: Iterable[str] = ()
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            path = root.joinpath(*name.split("."))
            yield from (found for found in (path.with_suffix(".py"), path / "__init__.py") if found.is_file())


@contextmanager
def _exclusive_cursor() -> Iterator[Any]:
    """Yield a cursor in the database "postgres". Other runs and workers wait until the `with` block ends."""
    creation: Any = connection.creation
    with creation._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            yield cursor
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _migrate(name: str) -> str:
    """Create a database with this name, apply all migrations, close the connection, and return the name."""
    ordinary, test = connection.settings_dict["NAME"], dict(connection.settings_dict["TEST"])
    connection.settings_dict["TEST"].update(NAME=name, TEMPLATE=None)
    try:
        made = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()
    finally:
        connection.settings_dict["TEST"].update(test)
        connection.settings_dict["NAME"] = ordinary
    return made
