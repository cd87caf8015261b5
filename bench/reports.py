"""The benchmark of reports: the cost and the SQL statements of each table for a year, by delivery date."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.order_list import Cost, cost_of

RUNS = 3
LIMIT = 1000  # milliseconds
DAYS = 365
BATCH = 25_000
"""The number of orders that a statement changes. An update of a million rows at once has taken 23 GB of memory."""

_COURIERS = """
    INSERT INTO couriers (name, phone, telegram, is_active)
    SELECT 'Курьер ' || number, '', '', true FROM generate_series(1, 20) AS number
"""
_ORDERS = """
    UPDATE orders SET
        courier_id = (SELECT array_agg(id) FROM couriers)[1 + bitrix_order_id %% 20],
        responsible_id = (%(users)s::bigint[])[1 + bitrix_order_id %% 10],
        taken_by_id = (%(users)s::bigint[])[1 + bitrix_order_id %% 10],
        taken_at = delivery_date + interval '9 hours',
        ready_by_id = (%(users)s::bigint[])[1 + bitrix_order_id %% 10],
        ready_at = delivery_date + interval '10 hours' + bitrix_order_id %% 40 * interval '1 minute',
        accepted_by_id = CASE WHEN bitrix_order_id %% 10 > 2 THEN (%(users)s::bigint[])[1 + bitrix_order_id %% 7] END,
        accepted_at = CASE WHEN bitrix_order_id %% 10 > 2
                           THEN created_at + bitrix_order_id %% 50 * interval '1 minute' END,
        completed_at = CASE WHEN status IN ('completed', 'finished')
                            THEN delivery_date + interval '13 hours' + bitrix_order_id %% 300 * interval '1 minute' END,
        delivery_district = (ARRAY['', 'мкр. Самал-2', 'Бостандыкский район', 'ЖК Нурлы'])[1 + bitrix_order_id %% 4],
        problem = CASE WHEN bitrix_order_id %% 30 = 0 THEN 'Никого нет дома' ELSE '' END,
        metadata = CASE WHEN status = 'cancelled'
                        THEN '{"fields": {"REASON_CANCELED": "Клиент передумал"}}'::jsonb ELSE metadata END
    WHERE bitrix_order_id BETWEEN %(first)s AND %(last)s
"""
_PRODUCTS = """
    INSERT INTO products (name) SELECT 'Букет ' || number FROM generate_series(1, 300) AS number
"""
_PAYMENTS = """
    INSERT INTO payments (order_id, amount, method, paid_at, source, courier_id, reason)
    SELECT orders.id, part.amount * paid_amount, 'cash', created_at, 'admin',
           CASE WHEN part.amount > 0 THEN courier_id END, CASE WHEN part.amount < 0 THEN 'Нет цветка' ELSE '' END
    FROM orders CROSS JOIN (VALUES (1), (-1)) AS part (amount)
    WHERE bitrix_order_id BETWEEN %(first)s AND %(last)s AND paid_amount > 0
          AND (part.amount > 0 OR bitrix_order_id %% 20 = 0)
"""
_EVENTS = """
    INSERT INTO order_events (order_id, happened_at, created_at, kind, source, changes, reason, details)
    SELECT orders.id, orders.created_at, orders.created_at, part.kind, 'admin', '[]', '', part.details::jsonb
    FROM orders
    CROSS JOIN (VALUES ('created', 1, '{}'), ('status', 1, '{}'), ('status', 1, '{}'), ('sent', 1, '{}'),
                       ('problem', 10, '{"problem": "Пробка на Абая"}'), ('remade', 40, '{}'), ('conflict', 200, '{}'),
                       ('photo_answered', 3, '{"answer": "redo"}')) AS part (kind, each, details)
    WHERE bitrix_order_id BETWEEN %(first)s AND %(last)s AND bitrix_order_id %% part.each = 0
"""
_WEBHOOKS = """
    INSERT INTO bitrix_webhook_events (event, payload, state, action, order_id, problems, error, traceback, attempts,
                                       created_at, changed_at, processed_at)
    SELECT 'order.update', '{}', 'processed', 'updated', orders.id, '[]', '', '', 1,
           created_at, created_at - interval '3 seconds', created_at + interval '1 second'
    FROM orders WHERE bitrix_order_id BETWEEN %(first)s AND %(last)s
"""
_PUSHES = """
    INSERT INTO bitrix_pushes (order_id, state, due_at, attempts, failures, last_code, last_error, fields, request,
                               created_at, finished_at)
    SELECT id, 'delivered', created_at, 1, 0, '', '', '[]', '{}', created_at, created_at + interval '70 seconds'
    FROM orders WHERE bitrix_order_id BETWEEN %(first)s AND %(last)s
"""
_CUSTOMERS = """
    UPDATE users SET birthday = date '1980-01-01' + (bitrix_user_id %% 12000)::int
    WHERE bitrix_user_id %% 3 = 0 AND bitrix_user_id BETWEEN %(first)s AND %(last)s
"""


@dataclass(frozen=True, slots=True)
class Timings:
    """The cost, the SQL statements and the rows of each table, with `orders` orders, `in_year` of them in the year."""

    orders: int
    in_year: int
    tables: dict[str, tuple[Cost, int, int]]


def measure(numbers: Sequence[int]) -> list[Timings]:
    """Measure all tables for each number of orders, from the smallest number to the largest."""
    from bench.many_orders import make_orders
    from cvety_crm.users import User
    from orders.models import DeliverySlot, Order

    users = [User.objects.create_user(f"bench-{number}", is_staff=True).pk for number in range(10)]
    _execute(_COURIERS, _PRODUCTS)
    found, last = [], 0
    for number in sorted(numbers):
        make_orders(last + 1, number)
        # The slot of the made-up orders exists only after them.
        DeliverySlot.objects.update(daily_capacity=50)
        for first in range(last + 1, number + 1, BATCH):
            values = {"first": first, "last": min(first + BATCH - 1, number), "users": users}
            _execute(_ORDERS, _PAYMENTS, _EVENTS, _WEBHOOKS, _PUSHES, _CUSTOMERS, values=values)
        _renew_totals()
        # A shop gets its orders in the sequence of their dates, so those of a year are near each other.
        _execute("CLUSTER orders USING orders_delivery", "VACUUM ANALYZE")
        last = number
        in_year = Order.objects.filter(_scope().condition(_scope().period)).count()
        found.append(Timings(number, in_year, {name: _measured(read) for name, read in _tables()}))
    return found


def _execute(*statements: str, values: dict[str, Any] | None = None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values or {} if "%" in statement else None)


def _renew_totals() -> None:
    from orders.services.customer_totals import renew_all_totals

    renew_all_totals()


def _scope() -> Any:
    from datetime import timedelta

    from django.utils import timezone

    from orders.reports.period import Period, Span
    from orders.reports.scope import Basis, Scope

    today = timezone.localdate()
    return Scope(Span.DATES, Period(today - timedelta(days=DAYS - 1), today), Basis.DELIVERY)


def _tables() -> Iterator[tuple[str, Callable[[], int]]]:
    """Yield the name of each table, and a function that reads it and returns the number of its rows."""
    from functools import partial

    from bitrix_bridge.admin.exchange_tables import TABLES, read_exchange
    from orders.reports.definitions import REPORTS
    from orders.reports.holidays import HolidayTable, holidays, read_holiday, years_of
    from orders.reports.reading import read_any
    from orders.selectors import calls

    scope = _scope()
    for report in REPORTS.values():
        for one in report.tables:
            yield f"{report.key} {one.key}", partial(lambda one: len(read_any(one, scope).rows), one)
    for kind in HolidayTable:
        yield f"holidays {kind}", partial(lambda kind: len(read_holiday(years_of(holidays()[0]), {}, kind).rows), kind)
    for exchange in TABLES.values():
        yield f"exchange {exchange.key}", partial(lambda one: len(read_exchange(one, scope.period).rows), exchange)
    yield "calls away", lambda: len(calls.last_orders(calls.customers_away(60)[:51]))
    yield "calls birthday", lambda: len(calls.last_orders(calls.birthdays(7)[:51]))
    yield "calls year", lambda: len(calls.orders_of_last_year(7)[:51])


def _measured(read: Callable[[], int]) -> tuple[Cost, int, int]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        rows = read()
    cost = cost_of(read, RUNS, warm_up=False, with_workers=True)
    if cost.total > LIMIT:
        print(f"slow: {cost.total:.0f} ms: {captured.captured_queries[0]['sql']}", file=sys.stderr, flush=True)
    return cost, len(captured), rows


def table(found: Sequence[Timings]) -> str:
    """Return a table with the seconds, the processor seconds of Python and PostgreSQL, the statements and the rows.

    A table that takes more than `LIMIT` is marked. The processor time of PostgreSQL contains that of parallel workers.
    """
    lines = []
    for one in found:
        lines.append(f"{one.orders:,} orders, {one.in_year:,} of them in the year")
        lines.append(f"{'':<24}{'s':>8}{'CPU web':>10}{'CPU DB':>10}{'SQL':>6}{'rows':>8}")
        for name, (cost, statements, rows) in one.tables.items():
            times = "".join(f"{value / 1000:>{width}.3f}" for value, width in
                            ((cost.total, 8), (cost.web, 10), (cost.database, 10)))  # fmt: skip
            mark = "  slow" if cost.total > LIMIT else ""
            lines.append(f"{name:<24}{times}{statements:>6}{rows:>8}{mark}")
        lines.append("")
    return "\n".join(lines)
