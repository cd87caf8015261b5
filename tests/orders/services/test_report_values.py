"""Tests of the values of orders that only reports use: the district of the address, and who has accepted the order."""

import pytest
from django.utils import timezone

from orders import services
from orders.models import Order
from orders.services.locking import lock_order
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(post_webhook) -> Order:
    post_webhook("order.create", order_data(properties={"addressRecipient": "мкр Самал-2, 5"}))
    return Order.objects.get()


def test_district_follows_the_address_of_the_site_and_of_staff(order, manager):
    assert order.delivery_district == "мкр. Самал-2"
    services.edit_order(order_id=order.pk, changes={"delivery_address": "ЖК Нурлы, 3"}, actor=manager)
    assert Order.objects.get().delivery_district == "ЖК Нурлы"
    services.edit_order(order_id=order.pk, changes={"delivery_address": "Абая 10"}, actor=manager)
    assert Order.objects.get().delivery_district == ""


def test_save_of_another_column_does_not_read_the_address(order, django_assert_num_queries):
    found = Order.objects.only("comment").get()
    found.comment = "без лилий"
    with django_assert_num_queries(1):
        found.save(update_fields=["comment"])
    assert Order.objects.get().delivery_district == "мкр. Самал-2"


def test_first_acceptance_by_staff_is_recorded(order, manager):
    before = timezone.now()
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    accepted = Order.objects.get()
    assert accepted.accepted_by == manager
    assert before <= accepted.accepted_at <= timezone.now()
    services.change_status(order_id=order.pk, status="processing", actor=manager)
    assert Order.objects.get().accepted_at == accepted.accepted_at


def test_undone_acceptance_is_not_recorded(order, manager, settings):
    settings.STATUS_HOLD_SECONDS = 60
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    event = order.events.filter(kind="status").get()
    services.undo_status(order_id=order.pk, event_id=event.pk, actor=manager)
    found = Order.objects.get()
    assert (found.status_id, found.accepted_by, found.accepted_at) == ("new", None, None)


def test_refused_order_is_not_accepted(order, manager):
    services.change_status(order_id=order.pk, status="cancelled", actor=manager)
    assert lock_order(order.pk).accepted_at is None


def test_acceptance_on_the_site_has_no_person(order, post_webhook):
    post_webhook("order.update", next_version(order_data(), STATUS_ID="P"))
    assert Order.objects.get().accepted_at is None
