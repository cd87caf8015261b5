"""Which postcards were printed is remembered, once for each print that its printer knew of."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from bitrix_bridge.models import Push
from notifications.models import TelegramMessage
from orders.models import EventKind, Order, OrderEvent, Source, Status
from orders.presentation.timeline import timeline
from orders.services import AlreadyPrintedError, postcard_prints, record_postcards_printed


@pytest.fixture
def orders(db):
    status = Status.objects.get(code="new")
    return [Order.objects.create(order_number=str(number), status=status) for number in range(10)]


def record(*orders, actor=None, seen=None, paper_format="a6"):
    keys = [order.pk for order in orders]
    record_postcards_printed(order_ids=keys, paper_format=paper_format, seen=seen or {}, actor=actor)


def test_who_and_in_which_size_is_on_the_timeline(orders, manager):
    record(orders[0], actor=manager, paper_format="card")
    (found,) = postcard_prints([order.pk for order in orders])[orders[0].pk]
    assert (found.who, found.paper_format) == ("Данияр", "card")
    event = orders[0].events.select_related("actor").get()
    assert (event.kind, event.source, event.changes) == (EventKind.PRINTED, Source.ADMIN, [])
    (entry,) = timeline([event])
    assert (entry.title, entry.who, entry.notes) == ("Открытка напечатана", "Данияр", ["Формат: 100 × 70 мм"])


def test_the_order_is_as_before_and_nobody_is_told(orders):
    before = Order.objects.values().get(pk=orders[0].pk)
    record(orders[0])
    assert Order.objects.values().get(pk=orders[0].pk) == before
    assert not Push.objects.exists()
    assert not TelegramMessage.objects.exists()


def test_what_its_printer_does_not_know_of_stops_all_of_them(orders):
    first, second, third = orders[:3]
    record(second)
    with pytest.raises(AlreadyPrintedError) as refusal:
        record(first, second, third)
    assert refusal.value.order_ids == [second.pk]
    assert OrderEvent.objects.count() == 1

    record(first, second, third, seen={second.pk: 1})
    assert [len(prints) for prints in postcard_prints([first.pk, second.pk, third.pk]).values()].count(1) == 2
    with pytest.raises(AlreadyPrintedError):
        record(second, seen={second.pk: 1})


def test_any_number_of_orders_costs_the_same(orders):
    def cost(*chosen):
        with CaptureQueriesContext(connection) as queries:
            record(*chosen)
        return len(queries)

    assert cost(orders[0]) == cost(*orders[1:])


def test_the_latest_print_comes_first_and_its_printer_may_be_gone(orders, manager):
    record(orders[0], actor=manager)
    record(orders[0], seen={orders[0].pk: 1}, paper_format="roll")
    latest, first = postcard_prints([orders[0].pk])[orders[0].pk]
    assert (latest.paper_format, latest.who, first.who) == ("roll", "", "Данияр")
    manager.delete()
    assert [found.who for found in postcard_prints([orders[0].pk])[orders[0].pk]] == ["", ""]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_print_at_the_same_moment_one_is_told():
    status = Status.objects.get(code="new")
    orders = [Order.objects.create(order_number=str(number), status=status) for number in range(5)]
    barrier = Barrier(2)

    def run(chosen):
        try:
            barrier.wait(timeout=60)
            record(*chosen)
            return "printed"
        except AlreadyPrintedError:
            return "told"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for order in orders:
            # The same ones in either order: they must not wait for each other.
            pair = (order, Order.objects.create(order_number="x", status=status))
            assert sorted(pool.map(run, (pair, pair[::-1]))) == ["printed", "told"]
            assert OrderEvent.objects.filter(order__in=pair).count() == 2
