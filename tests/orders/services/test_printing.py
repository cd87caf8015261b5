"""Tests of recording printed postcards. A print is refused if the user has not seen an earlier print."""

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


def test_printed_postcard_is_on_timeline_with_user_and_size(orders, manager):
    record(orders[0], actor=manager, paper_format="card")
    (found,) = postcard_prints([order.pk for order in orders])[orders[0].pk]
    assert (found.who, found.paper_format) == ("Данияр", "card")
    event = orders[0].events.select_related("actor").get()
    assert (event.kind, event.source, event.changes) == (EventKind.PRINTED, Source.ADMIN, [])
    (entry,) = timeline([event])
    assert (entry.title, entry.who, entry.notes) == ("Открытка напечатана", "Данияр", ["Формат: 100 × 70 мм"])


def test_recording_a_print_changes_no_order_and_queues_nothing(orders):
    before = Order.objects.values().get(pk=orders[0].pk)
    record(orders[0])
    assert Order.objects.values().get(pk=orders[0].pk) == before
    assert not Push.objects.exists()
    assert not TelegramMessage.objects.exists()


def test_unseen_print_of_one_order_stops_recording_of_all(orders):
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


def test_number_of_queries_does_not_depend_on_number_of_orders(orders):
    def cost(*chosen):
        with CaptureQueriesContext(connection) as queries:
            record(*chosen)
        return len(queries)

    assert cost(orders[0]) == cost(*orders[1:])


def test_latest_print_comes_first_and_deleted_user_has_no_name(orders, manager):
    record(orders[0], actor=manager)
    record(orders[0], seen={orders[0].pk: 1}, paper_format="roll")
    latest, first = postcard_prints([orders[0].pk])[orders[0].pk]
    assert (latest.paper_format, latest.who, first.who) == ("roll", "", "Данияр")
    manager.delete()
    assert [found.who for found in postcard_prints([orders[0].pk])[orders[0].pk]] == ["", ""]


@pytest.mark.django_db(transaction=True)
def test_only_one_of_two_simultaneous_prints_is_recorded():
    status = Status.objects.get(code="new")
    orders = [Order.objects.create(order_number=str(number), status=status) for number in range(5)]
    barrier = Barrier(2)

    def run(chosen):
        try:
            barrier.wait(timeout=60)
            record(*chosen)
            return "printed"
        except AlreadyPrintedError:
            return "refused"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for order in orders:
            # The two transactions lock the same orders in reversed sequence. This must not cause a deadlock.
            pair = (order, Order.objects.create(order_number="x", status=status))
            assert sorted(pool.map(run, (pair, pair[::-1]))) == ["printed", "refused"]
            assert OrderEvent.objects.filter(order__in=pair).count() == 2
