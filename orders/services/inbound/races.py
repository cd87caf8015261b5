"""Two transactions that create or lock the same row at the same time, such as the customer of two new orders."""

from django.db import DatabaseError
from psycopg import errors

from orders.models import Customer, Order

MOST_TRIES = 3
"""The number of times that a transaction is executed before a race is treated as an error."""
_TABLES = frozenset({Customer._meta.db_table, Order._meta.db_table})


def is_race(error: DatabaseError) -> bool:
    """Return whether another transaction has just created a row with the same id on the site, or holds a lock.

    The whole transaction can be repeated. It then finds the row, or waits for the lock.
    """
    cause = error.__cause__
    if isinstance(cause, errors.LockNotAvailable | errors.DeadlockDetected):
        return True
    return isinstance(cause, errors.UniqueViolation) and cause.diag.table_name in _TABLES
