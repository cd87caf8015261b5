"""The settings of `make lint` for django-migration-linter, which is installed only for development."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as PRODUCT_APPS
from tests.settings import LOGGING as PRODUCT_LOGGING

INSTALLED_APPS = [*PRODUCT_APPS, "django_migration_linter"]
LOGGING = {
    **PRODUCT_LOGGING,
    "loggers": {**PRODUCT_LOGGING["loggers"], "django_migration_linter": {"level": "WARNING"}},
}
MIGRATION_LINTER_OPTIONS = {
    "no_cache": True,
    "sql_analyser": "postgresql",
    "include_apps": ["cvety_crm", "orders", "bitrix_bridge", "notifications"],
    # Warnings are about each new index, also of a small table, and about the names of arguments.
    "quiet": ["ok", "ignore", "warning"],
    # The names of migrations that are unsafe in general, and safe because no installed version uses what they remove.
    "ignore_name": [],
}
