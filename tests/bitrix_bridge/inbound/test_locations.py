"""Tests of locations in webhooks: the name is shown, and the city of the order is found by it."""

import pytest

from orders.models import City, Order
from tests.orders.admin.conftest import change_url
from tests.roles import browser_of
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db
CODE = "0000073738"


def order_at(**data):
    made = order_data(**data)
    made["properties"] = {**made["properties"], "LOCATION": CODE}
    del made["properties"]["city"]
    return made


def sent(post_webhook, data, event="order.create"):
    assert post_webhook(event, data).status_code == 200
    return Order.objects.get()


@pytest.fixture(autouse=True)
def _cities(db):
    City.objects.update_or_create(bitrix_id=2, defaults={"name": "Алматы", "needs_attention": False})


@pytest.mark.parametrize("name", ["Алматы", "г. Алматы", "Казахстан, Алматы, Бостандыкский район"])
def test_city_is_found_by_the_name_of_the_location(post_webhook, manager, name):
    order = sent(post_webhook, order_at(property_choices={"LOCATION": {CODE: name}}))
    assert order.city_id == 2
    html = browser_of(manager).get(change_url(order)).content.decode()
    block = html.partition('id="details"')[2].partition("</section>")[0]
    assert name in block
    assert CODE not in block


def test_changed_location_changes_the_city(post_webhook):
    City.objects.update_or_create(bitrix_id=3, defaults={"name": "Астана", "needs_attention": False})
    data = order_at(property_choices={"LOCATION": {CODE: "Алматы"}})
    sent(post_webhook, data)
    moved = next_version(data, property_choices={"LOCATION": {"77": "Астана"}})
    moved["properties"]["LOCATION"] = "77"
    assert sent(post_webhook, moved, "order.update").city_id == 3


@pytest.mark.parametrize("choices", [{}, {"LOCATION": {CODE: "Неизвестный город"}}, {"LOCATION": {"1": "Алматы"}}])
def test_unknown_location_gives_no_city(post_webhook, choices):
    assert sent(post_webhook, order_at(property_choices=choices)).city_id is None


def test_property_city_counts_before_the_location(post_webhook):
    City.objects.update_or_create(bitrix_id=3, defaults={"name": "Астана", "needs_attention": False})
    data = order_at(property_choices={"LOCATION": {CODE: "Алматы"}})
    data["properties"]["city"] = "3"
    assert sent(post_webhook, data).city_id == 3


def test_name_in_place_of_the_code_of_a_location_is_read(post_webhook):
    data = order_at()
    data["properties"]["LOCATION"] = "Алматы"
    assert sent(post_webhook, data).city_id == 2
