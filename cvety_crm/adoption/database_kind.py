"""Decide whether the database is the CRM's own, empty, or that of another program, such as the earlier CRM."""

from enum import Enum

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper

from cvety_crm.adoption.catalogue import current_schema, stored_tables

EARLIER_SCHEMA = "earlier_crm"
"""The schema to which the tables of the earlier CRM are moved."""
MIGRATIONS = "django_migrations"


class DatabaseKind(Enum):
    """Whose tables the database has."""

    EMPTY = "empty"
    OURS = "ours"
    ADOPTING = "adopting"
    """The tables of the earlier CRM were moved, and the CRM's own are not complete."""
    FOREIGN = "foreign"


def database_kind(connection: BaseDatabaseWrapper) -> DatabaseKind:
    """Return whose tables the database has.

    It is the CRM's own if its table of migrations names no app of another program. A first `migrate` that was killed
    has left such a table too.
    """
    tables = stored_tables(connection, current_schema(connection))
    if MIGRATIONS in tables and _names_our_apps(connection):
        return DatabaseKind.OURS
    if "adopted_tables" in stored_tables(connection, EARLIER_SCHEMA):
        return DatabaseKind.ADOPTING
    return DatabaseKind.FOREIGN if tables else DatabaseKind.EMPTY


def _names_our_apps(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT app FROM django_migrations")
        found = {app for (app,) in cursor.fetchall()}
    return "cvety_crm" in found or found <= {config.label for config in apps.get_app_configs()}


def our_tables() -> set[str]:
    """Return the names of all tables that `migrate` creates."""
    models = apps.get_models(include_auto_created=True)
    return {model._meta.db_table for model in models if model._meta.managed} | {MIGRATIONS}
