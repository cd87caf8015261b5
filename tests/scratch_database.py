"""Databases of their own for tests that need an empty one, or one with the tables of another program."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from psycopg import sql

OWNER = "shop_of_the_tests"
"""The role that owns these databases. Like that of Supabase, it is no superuser."""
SUPABASE_ROLES = ("anon", "authenticated", "service_role")


@contextmanager
def database(suffix: str, template: str = "template1") -> Iterator[str]:
    """Create a database that belongs to `OWNER`, empty or as a copy, yield its name, and drop it at the end."""
    name = f"scratch_{suffix}_{os.getpid()}"
    creation: Any = connection.creation
    with creation._nodb_cursor() as cursor:
        _create_role(cursor, OWNER, "LOGIN CREATEDB")
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        names = map(sql.Identifier, (name, OWNER, template))
        cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(*names))
    try:
        yield name
    finally:
        with creation._nodb_cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def connected(name: str, user: str = OWNER) -> Iterator[None]:
    """Let Django use this database, as this role."""
    settings = connection.settings_dict
    before = {key: settings[key] for key in ("NAME", "USER")}
    connection.close()
    settings.update(NAME=name, USER=user)
    try:
        yield
    finally:
        connection.close()
        settings.update(before)


def make_like_supabase() -> None:
    """Create Supabase's roles, and give them all rights on every table, as Supabase does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'anon'")
        assert cursor.fetchone() == (1,)
        roles = sql.SQL(", ").join(map(sql.Identifier, SUPABASE_ROLES))
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(roles))
        for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            cursor.execute(
                sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON {} TO {}").format(sql.SQL(kind), roles)
            )


def create_supabase_roles() -> None:
    """Create Supabase's roles on the server, unless they exist."""
    creation: Any = connection.creation
    with creation._nodb_cursor() as cursor:
        for role in SUPABASE_ROLES:
            _create_role(cursor, role, "NOLOGIN")
            cursor.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(OWNER)))


def _create_role(cursor: Any, name: str, options: str) -> None:
    cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [name])
    if cursor.fetchone() == (0,):
        cursor.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(name), sql.SQL(options)))
