"""Two transactions that create the same row at the same time, such as the customer of two orders of one new account."""

from django.db import IntegrityError
from psycopg import errors

from orders.models import Customer, Order

MOST_TRIES = 3
"""The number of times that a transaction is executed before a race is treated as an error."""
_TABLES = frozenset({Customer._meta.db_table, Order._meta.db_table})


def is_race(error: IntegrityError) -> bool:
    """Return whether another transaction has just created a row with the same id on the site.

    The whole transaction can be repeated. It then finds this row.
    """
    cause = error.__cause__
    return isinstance(cause, errors.UniqueViolation) and cause.diag.table_name in _TABLES
