"""Settings of PostgreSQL for the queries of a long period, which read a large part of a table."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from orders.reports.period import Period

LONG = 92
"""The number of days, about a quarter, above which a period is long."""
SETTINGS = {
    # The default of 4 assumes a disk that has to move its head. With it PostgreSQL reads the whole table of orders
    # instead of one year.
    "random_page_cost": "1.1",
    # The default of 4 MB sorts the orders of a year on disk. Each sort and hash of the query may take this much.
    "work_mem": "64MB",
}
_SET = f"SELECT {', '.join(['set_config(%s, %s, true)'] * len(SETTINGS))}"
_VALUES = [text for pair in SETTINGS.items() for text in pair]


@contextmanager
def planned_for(period: Period) -> Iterator[None]:
    """Set `SETTINGS` for the queries inside, if the period is long. These queries must only read."""
    if period.days <= LONG:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_SET, _VALUES)
        yield
        # This also ends the settings if a transaction is around this one.
        transaction.set_rollback(True)
