"""Run `pg_dump` and `pg_restore`. The password is in the environment of the process, never on its command line."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import environ
import psycopg
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext
from psycopg import sql

from cvety_crm.backup.errors import BackupError
from cvety_crm.masking import truncate_masked

MOST_ERROR_LETTERS = 500
SCHEMAS = ("public", "earlier_crm")
"""The schemas of the CRM. Those of Supabase itself belong to Supabase."""
_VARIABLES = {
    "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST", "port": "PGPORT",
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
}  # fmt: skip
"""The environment variable of libpq for each parameter of a connection."""
_DEBIAN = Path("/usr/lib/postgresql")
"""The folder in which Debian installs the programs of several versions."""
Parameters = Mapping[str, Any]


class PostgresProgramError(BackupError):
    """A program of PostgreSQL is missing, is too old or has failed. The message is for the owner."""


def parameters(database: str | None = None) -> Parameters:
    """Return the parameters of a connection to the CRM's database, or to another database of its server.

    BACKUP_DATABASE_URL is used if it is set, because `pg_dump` needs a connection of its own and not a pooler in
    transaction mode.
    """
    found = connection.settings_dict
    if settings.BACKUP_DATABASE_URL:
        found = environ.Env.db_url_config(settings.BACKUP_DATABASE_URL)
    known = {
        "dbname": database or found["NAME"], "user": found["USER"], "password": found["PASSWORD"],
        "host": found["HOST"], "port": found["PORT"],
    }  # fmt: skip
    options = {name: value for name, value in found.get("OPTIONS", {}).items() if name in _VARIABLES}
    return {name: str(value) for name, value in (known | options).items() if value}


def open_connection(database: str | None = None, *, autocommit: bool = False) -> "psycopg.Connection[Any]":
    """Return a new connection with these parameters. Raise `PostgresProgramError` if there is no connection."""
    try:
        return psycopg.connect(**parameters(database), autocommit=autocommit, connect_timeout=10)
    except psycopg.Error as error:
        raise PostgresProgramError(_short(str(error))) from None


def existing_schemas(opened: "psycopg.Connection[Any]") -> list[str]:
    """Return those of the CRM's schemas that the database has."""
    found = opened.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", [list(SCHEMAS)]).fetchall()
    return [name for name in SCHEMAS if (name,) in found]


def count_rows(opened: "psycopg.Connection[Any]") -> dict[str, int]:
    """Return the number of rows of each table, as this transaction sees them."""
    tables = opened.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s) ORDER BY 1, 2", [list(SCHEMAS)]
    ).fetchall()
    counts = {}
    for schema, table in tables:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
        row = opened.execute(query).fetchone()
        counts[f"{schema}.{table}"] = int(row[0]) if row else 0
    return counts


def dump_database(file: Path) -> dict[str, int]:
    """Dump the CRM's schemas into a new file that only its owner can read. Return the number of rows of each table.

    Both are of the same moment. Raise `PostgresProgramError` if the file exists, or if the dump fails; then there is
    no file.
    """
    if file.exists():
        raise PostgresProgramError(gettext("The file %(file)s exists already.") % {"file": file})
    program = find_program("pg_dump")
    with open_connection() as opened:
        # The dump and the counts are of one snapshot, which lasts as long as this transaction.
        opened.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        opened.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        opened.execute("SET LOCAL statement_timeout = 0")
        row = opened.execute("SELECT pg_export_snapshot()").fetchone()
        counts = count_rows(opened)
        arguments = [f"--schema={name}" for name in existing_schemas(opened)]
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            _run([program, "--format=custom", "--no-owner", "--no-privileges", *arguments,
                  f"--snapshot={row[0] if row else ''}", f"--file={file}"], parameters())  # fmt: skip
        except OSError as error:
            raise PostgresProgramError(_short(str(error))) from None
        except PostgresProgramError:
            file.unlink(missing_ok=True)
            raise
    return counts


def restore_database(file: Path, database: str | None = None) -> None:
    """Restore a dump into an empty database, in one transaction. Raise `PostgresProgramError` if it fails."""
    program = find_program("pg_restore")
    contents = _run([program, "--list", str(file)], {})
    # The schema "public" exists in every database.
    kept = [line for line in contents.splitlines() if not re.search(r" SCHEMA - public ", line)]
    chosen = file.with_suffix(".list")
    chosen.write_text("\n".join(kept), encoding="utf-8")
    try:
        _run([program, "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
              f"--use-list={chosen}", f"--dbname={parameters(database)['dbname']}", str(file)],
             parameters(database))  # fmt: skip
    finally:
        chosen.unlink(missing_ok=True)


def find_program(name: str) -> str:
    """Return the path of a program that is not older than the server, the oldest of them.

    Raise `PostgresProgramError` with both versions if there is none.
    """
    with open_connection(autocommit=True) as opened:
        server = opened.info.server_version // 10_000
    found = {version: path for path in _candidates(name) if (version := _version(path)) is not None}
    fitting = [version for version in sorted(found) if version >= server]
    if fitting:
        return found[fitting[0]]
    here = ", ".join(map(str, sorted(found))) or gettext("none")
    raise PostgresProgramError(
        gettext(
            "The server is PostgreSQL %(server)d and %(program)s here: %(found)s. Install postgresql-client-%(server)d."
        )
        % {"server": server, "program": name, "found": here}
    )


def _candidates(name: str) -> list[str]:
    folders = [Path(settings.POSTGRES_PROGRAMS)] if settings.POSTGRES_PROGRAMS else []
    folders += sorted(_DEBIAN.glob("*/bin"))
    paths = [str(folder / name) for folder in folders if (folder / name).is_file()]
    on_path = shutil.which(name)
    return [*paths, *([on_path] if on_path else [])]


def _version(program: str) -> int | None:
    """Return the major version of a program, such as 17."""
    match = re.search(r"\(PostgreSQL\) (\d+)", _run([program, "--version"], {}))
    return int(match[1]) if match else None


def _run(command: Sequence[str], given: Parameters) -> str:
    """Run a program and return its output. Raise `PostgresProgramError` with its first errors if it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment |= {_VARIABLES[name]: value for name, value in given.items()} | {"LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise PostgresProgramError(f"{Path(command[0]).name}: {_short(done.stderr)}")
    return done.stdout


def _short(text: str) -> str:
    return truncate_masked(" ".join(text.split()), MOST_ERROR_LETTERS)
