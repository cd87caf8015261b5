"""Tests of the tables of reports against sums in plain Python, and of the links from their rows."""

from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.http import QueryDict
from django.test import RequestFactory
from django.utils import timezone

from orders.admin.list_query import list_queryset
from orders.admin.reports.page import list_url
from orders.models import DeliverySlot, Order
from orders.reports.definitions import REPORTS
from orders.reports.period import Period, Span
from orders.reports.reading import MOST_EMPTY_DAYS, read_any, read_table, read_totals
from orders.reports.scope import Basis, Scope
from orders.rules.lateness import due_at
from tests.orders.reports.shop import make_shop

pytestmark = pytest.mark.django_db
GROUPINGS = [(report.key, table.key) for report in REPORTS.values() for table in report.tables]
SALES = REPORTS["sales"]


@pytest.fixture(scope="module")
def many(django_db_setup, django_db_blocker):
    """Create 5,000 random orders for all tests of this module, and return them as they are read."""
    with django_db_blocker.unblock(), transaction.atomic():
        make_shop("many", 5000, timezone.localdate())
        connection.check_constraints()  # otherwise the end of each test would check the keys of all rows again
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE orders, order_items, order_events, payments")
        read = Order.objects.select_related("status", "delivery_slot").prefetch_related("items", "payments", "events")
        yield list(read.defer("search"))
        transaction.set_rollback(True)


@pytest.fixture
def today():
    return timezone.localdate()


def scope_of(today, basis=Basis.DELIVERY, days=40, **filters):
    return Scope(Span.DATES, Period(today - timedelta(days=days), today), Basis(basis), filters)


def date_of(order, basis):
    return order.delivery_date if basis == Basis.DELIVERY else timezone.localdate(order.created_at)


def orders_in(scope, orders):
    for order in orders:
        day = date_of(order, scope.basis)
        if day is None or not scope.period.first <= day <= scope.period.last:
            continue
        if all(str(getattr(order, f"{name}_id", getattr(order, name))) == str(value)
               for name, value in scope.filters.items()):  # fmt: skip
            yield order


def is_sold(order):
    return not (order.is_cancelled or order.is_deleted_on_site or order.status.stage == "cancelled")


def is_counted(order):
    return order.currency == "KZT" and not {"total_amount", "currency"} & set(order.unknown_values)


def refunds_of(order):
    if order.currency != "KZT" or "currency" in order.unknown_values:
        return Decimal(0)
    return sum((-payment.amount for payment in order.payments.all() if payment.amount < 0), Decimal(0))


def hour_of(order, basis):
    if basis == Basis.ORDER:
        return timezone.localtime(order.created_at).hour
    return order.delivery_slot.starts_at.hour if order.delivery_slot else None


def reason_of(order):
    return order.metadata.get("fields", {}).get("REASON_CANCELED", "").strip()


def reason_of_lateness(order):
    reported = [event for event in order.events.all() if event.kind == "problem"]
    last = max(reported, key=lambda event: event.happened_at).details["problem"] if reported else ""
    return order.problem or last


def is_delivered(order):
    is_done = is_sold(order) and order.status.stage == "done" and not order.is_pickup
    return bool(is_done and order.completed_at and order.delivery_date)


KEYS = {
    "day": date_of,
    "week": lambda order, basis: (day := date_of(order, basis)) - timedelta(days=day.weekday()),
    "month": lambda order, basis: date_of(order, basis).replace(day=1),
    "weekday": lambda order, basis: date_of(order, basis).isoweekday(),
    "hour": hour_of,
    "shop": lambda order, _: order.shop_id,
    "city": lambda order, _: order.city_id,
    "manager": lambda order, _: order.responsible_id,
    "source": lambda order, _: order.source,
    "method": lambda order, _: order.payment_method,
    "courier": lambda order, _: order.courier_id,
    "slot": lambda order, _: order.delivery_slot_id,
    "florist": lambda order, _: order.ready_by_id,
    "district": lambda order, _: order.delivery_district,
    "late_reason": lambda order, _: reason_of_lateness(order),
    "accepted_by": lambda order, _: order.accepted_by_id,
    "customer": lambda order, _: order.customer_id,
    "reason": lambda order, _: reason_of(order),
}


def grouped(orders, scope, key):
    groups = defaultdict(list)
    for order in orders:
        groups[key(order, scope.basis)].append(order)
    return groups


def amount(orders, name):
    known = [order for order in orders if is_counted(order) and name not in order.unknown_values]
    return sum((getattr(order, name) for order in known), Decimal(0))


def sales(orders):
    orders = [order for order in orders if is_sold(order)]
    counted = [order for order in orders if is_counted(order)]
    priced = [order for order in counted if "delivery_fee" not in order.unknown_values]
    total, goods = amount(orders, "total_amount"), sum((o.total_amount - o.delivery_fee for o in priced), Decimal(0))
    return {
        "orders": len(orders),
        "amount": total,
        "average": total / len(counted) if counted else None,
        "goods_average": goods / len(priced) if priced else None,
        "delivery": amount(orders, "delivery_fee"),
        "discount": amount(orders, "discount_amount"),
        "refunds": sum(map(refunds_of, orders), Decimal(0)),
        "uncounted": len(orders) - len(counted),
    }


def refusals(orders):
    refused = [order for order in orders if not is_sold(order)]
    return {
        "orders": len(refused),
        "share": len(refused) / len(orders) if orders else None,
        "amount": amount(refused, "total_amount"),
        "refunds": sum(map(refunds_of, refused), Decimal(0)),
        "paid": amount(refused, "paid_amount"),
        "uncounted": sum(not is_counted(order) for order in refused),
    }


def deliveries(orders):
    delivered = [order for order in orders if is_delivered(order)]
    late = [length for order in delivered if (length := order.completed_at - due_at(order)) > timedelta(0)]
    return {
        "orders": len(delivered),
        "on_time": (len(delivered) - len(late)) / len(delivered) if delivered else None,
        "late": len(late),
        "late_short": sum(length <= timedelta(minutes=30) for length in late),
        "late_long": sum(length > timedelta(hours=2) for length in late),
        "late_time": sum(late, timedelta(0)) / len(late) if late else None,
    }, delivered


def florists(orders):
    made = [order for order in orders if order.ready_at]
    times = [o.ready_at - o.taken_at for o in made if o.taken_at and o.ready_at >= o.taken_at]
    time = sum(times, timedelta(0)) / len(times) if times else None
    return {
        "orders": len(made),
        "timed": len(times),
        "time": time,
        "remade": sum(any(event.kind == "remade" for event in order.events.all()) for order in made),
        "rejected": sum(any(event.details.get("answer") == "redo" for event in order.events.all()) for order in made),
    }


def acceptances(orders):
    accepted = [order for order in orders if order.source == "bitrix" and order.accepted_at and order.accepted_by_id]
    times = [length for o in accepted if (length := o.accepted_at - o.created_at) >= timedelta(0)]
    return {"orders": len(accepted), "time": sum(times, timedelta(0)) / len(times) if times else None}


def delivery(orders, key):
    if key != "late_reason":
        return deliveries(orders)[0]
    late = [o for o in orders if is_delivered(o) and o.completed_at > due_at(o)]
    found = deliveries(late)[0]
    return {name: found[name] for name in ("orders", "late_short", "late_long", "late_time")}


def couriers(orders):
    found, delivered = deliveries(orders)
    cash = Decimal(0)
    for order in delivered:
        if order.currency == "KZT" and "currency" not in order.unknown_values:
            cash += sum(one.amount for one in order.payments.all() if one.courier_id and one.method == "cash")
    return {**{key: found[key] for key in ("orders", "on_time", "late", "late_time")}, "cash": cash}


def managers(orders):
    return {key: value for key, value in sales(orders).items() if key in ("orders", "amount", "average", "uncounted")}


def customers(orders, _key):
    return managers(orders)


def people(orders, key):
    return {"florist": florists, "courier": couriers, "manager": managers, "accepted_by": acceptances}[key](orders)


EXPECTED = {
    "sales": lambda orders, _key: sales(orders),
    "refusals": lambda orders, _key: refusals(orders),
    "delivery": delivery,
    "people": people,
    "customers": customers,
}
PLAIN = [
    (report.key, grouping.key)
    for report in REPORTS.values()
    if report.key in EXPECTED
    for grouping in report.groupings
    if grouping.key in {*KEYS, "returning"}
]


def returning_keys(orders):
    """Return a function of an order: whether its customer has an earlier order, or None for an order without one."""
    first = {}
    for order in orders:
        if order.customer_id and not order.is_cancelled and not order.is_deleted_on_site:
            first[order.customer_id] = min(order.created_at, first.get(order.customer_id, order.created_at))
    return lambda order, _basis: (
        None if order.customer_id is None else int(first.get(order.customer_id, order.created_at) < order.created_at)
    )


def check_against_python(scope, orders, names=PLAIN):
    found = list(orders_in(scope, orders))
    keys = {**KEYS, "returning": returning_keys(orders)}
    for name, key in names:
        table = read_table(REPORTS[name].grouping(key), scope)
        expected = {
            value: sums
            for value, group in grouped(found, scope, keys[key]).items()
            if (sums := EXPECTED[name](group, key))["orders"]
        }  # fmt: skip
        if key == "day" and expected and scope.period.days <= MOST_EMPTY_DAYS:
            days = (scope.period.first + timedelta(days=number) for number in range(scope.period.days))
            expected = {day: EXPECTED[name]([], key) for day in days} | expected
        assert {row.key: dict(row.values) for row in table.rows} == expected, (name, key)
        assert dict(table.totals) == EXPECTED[name](found, key), (name, key)


@pytest.mark.parametrize("basis", Basis)
def test_tables_are_the_sums_of_plain_python(basis, today, many):
    check_against_python(scope_of(today, basis, days=400), many)
    check_against_python(scope_of(today, basis, shop=9001, source="bitrix"), many)
    check_against_python(scope_of(today, basis, days=0, city=9001), many)


@pytest.mark.parametrize("filters", [{}, {"shop": 9001}], ids=["all", "one shop"])
def test_load_is_the_sums_of_plain_python(filters, today, many):
    scope = scope_of(today, **filters)
    slots = {slot.bitrix_id: slot.daily_capacity for slot in DeliverySlot.objects.all()}
    counts = Counter(
        (order.delivery_date, order.delivery_slot_id)
        for order in orders_in(scope, many)
        if is_sold(order) and not order.is_pickup
    )
    own = {table.key: table.read(scope) for table in REPORTS["delivery"].own_tables}
    for row in own["load"].rows:
        days = [count for (_day, slot), count in counts.items() if slot == row.key]
        limit = slots.get(row.key)
        assert dict(row.values) == {
            "orders": sum(days),
            "capacity": limit and limit * 41,
            "share": limit and sum(days) / (limit * 41),
            "most": max(days),
            "over": sum(count > limit for count in days) if limit else 0,
        }
    assert {row.key for row in own["load"].rows} == {slot for _day, slot in counts}
    whole = sum(limit or 0 for limit in slots.values())
    for row in own["load_day"].rows:
        slots_of_day = {slot: count for (day, slot), count in counts.items() if day == row.key}
        limited = {slot: count for slot, count in slots_of_day.items() if slots.get(slot)}
        assert dict(row.values) == {
            "orders": sum(slots_of_day.values()),
            "limited": sum(limited.values()),
            "capacity": whole,
            "share": sum(limited.values()) / whole,
            "over": sum(count > slots[slot] for slot, count in limited.items()),
        }
    assert len(own["load_day"].rows) == 41
    for table in own.values():
        assert table.totals["orders"] == counts.total() == sum(row.values["orders"] for row in table.rows)
        assert table.totals["capacity"] == 41 * whole
        assert table.totals["over"] == sum(row.values["over"] for row in table.rows)


def test_products_are_the_sums_of_plain_python(today, many):
    scope = scope_of(today)
    expected = defaultdict(lambda: (set(), [], [], set()))
    for order in filter(is_sold, orders_in(scope, many)):
        in_kzt = order.currency == "KZT" and "currency" not in order.unknown_values
        for item in order.items.all():
            orders, quantities, totals, uncounted = expected[item.product_id]
            orders.add(order.pk)
            quantities += [item.quantity] if "quantity" not in item.unknown_values else []
            if in_kzt and not item.unknown_values:
                totals.append(item.total)
            else:
                uncounted.add(order.pk)
    rows = {row.key: tuple(row.values.values()) for row in read_table(SALES.grouping("product"), scope).rows}
    assert rows == {
        key: (len(orders), sum(quantities), sum(totals), len(uncounted))
        for key, (orders, quantities, totals, uncounted) in expected.items()
    }


def test_refunds_are_the_sums_of_plain_python(today, many):
    scope = scope_of(today)
    found = {"refund": defaultdict(list), "refunded_by": defaultdict(list)}
    for order in orders_in(scope, many):
        for payment in order.payments.all():
            if payment.amount < 0:
                found["refund"][payment.reason.strip()].append((order, payment))
                found["refunded_by"][payment.method].append((order, payment))
    for key, groups in found.items():
        rows = {row.key: row.values for row in read_table(REPORTS["refusals"].grouping(key), scope).rows}
        assert set(rows) == set(groups)
        for value, pairs in groups.items():
            in_kzt = [payment for order, payment in pairs if refunds_of(order)]
            assert rows[value]["refunds"] == -sum(payment.amount for payment in in_kzt)
            assert rows[value]["orders"] == len({order.pk for order, _ in pairs})
            assert rows[value]["payments"] == len(pairs)
            assert rows[value]["cancelled"] == len({order.pk for order, _ in pairs if not is_sold(order)})


@pytest.mark.parametrize(("name", "key"), GROUPINGS)
def test_row_leads_to_exactly_the_orders_it_counts(name, key, today, manager, many):
    request = RequestFactory().get("/crm/orders/order/")
    request.user = manager
    for scope in (scope_of(today, Basis.DELIVERY, days=9), scope_of(today, Basis.ORDER, days=9, shop=9000)):
        table = read_any(REPORTS[name].table(key), scope)
        assert table.rows
        for row in table.rows:
            query = QueryDict(list_url(row.parameters).partition("?")[2])
            found = list_queryset(admin.site._registry[Order], request, query)
            assert found.count() == row.values["orders"], row.label


def test_table_and_totals_take_one_query_each(many, today, django_assert_num_queries, django_assert_max_num_queries):
    scope = scope_of(today)
    for name, key in GROUPINGS:
        # The rows, the totals, and the names of the rows, such as those of people.
        with django_assert_max_num_queries(3):
            read_any(REPORTS[name].table(key), scope)
    with django_assert_num_queries(1):
        read_totals(SALES.groupings[0], scope, scope.before)
