"""Tests of the site's clocks: a time in the future, a clock that stands still, clocks that contradict each other."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from bitrix_bridge import probes
from bitrix_bridge.inbound import status_check
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.sandbox import faults
from cvety_crm.ops.health import Level
from orders.models import Order, Product
from tests.samples import order_data

pytestmark = pytest.mark.django_db

FORM = "%Y-%m-%d %H:%M:%S"
NEXT_YEAR = (timezone.now() + timedelta(days=365)).strftime(FORM)


@pytest.fixture
def post(post_webhook):
    """Return a function that posts data without a version, like the site's earlier sender, and returns the event."""

    def post_data(order, event="order.update", **columns):
        data = {"ID": str(order.bitrix_order_id), **columns}
        return WebhookEvent.objects.get(pk=post_webhook(event, data).json()["event_id"])

    return post_data


@pytest.fixture
def order(site, shared_order):
    return shared_order


def stamp(**ago):
    return timezone.localtime(timezone.now() - timedelta(**ago)).strftime(FORM)


def comment(order):
    return Order.objects.get(pk=order.pk).comment


def write(site, order, **columns):
    site.site.write_raw(order.bitrix_order_id, columns)


def settle(order):
    assert status_check.check_status(str(order.pk))


FUTURE = [
    ("order.update", "DATE_UPDATE"),
    ("order.update", "webhook_timestamp"),
    ("order.status.change", "DATE_STATUS"),
    ("order.status.change", "webhook_timestamp"),
]


@pytest.mark.parametrize(("event", "clock"), FUTURE)
def test_time_from_the_future_does_not_block_later_events(site, order, post, event, clock):
    Order.objects.update(bitrix_version=None, bitrix_updated_at=None)
    first = post(
        order, event, STATUS_ID="AP", **{clock: NEXT_YEAR}, **({"PRICE": "9000"} if event == "order.update" else {})
    )
    assert first.state == "processed"
    write(site, order, STATUS_ID="PD", USER_DESCRIPTION="позвонить")
    columns = {"STATUS_ID": "PD", clock: stamp(minutes=1)}
    if event == "order.update":
        columns["USER_DESCRIPTION"] = "позвонить"
    row = post(order, event, **columns)
    settle(order)
    row.refresh_from_db()
    order.refresh_from_db()
    assert (order.status.bitrix_code, row.state) == ("PD", "processed")


def test_whole_order_after_a_future_status_keeps_its_status(site, order, post):
    Order.objects.update(bitrix_version=None, bitrix_updated_at=None)
    post(order, "order.status.change", STATUS_ID="AP", webhook_timestamp=NEXT_YEAR)
    write(site, order, STATUS_ID="PD")
    post(order, STATUS_ID="PD", PRICE="9000", DATE_UPDATE=stamp(minutes=1))
    settle(order)
    order.refresh_from_db()
    assert order.status.bitrix_code == "PD"


def test_late_event_is_still_outdated_when_the_stored_time_is_in_the_past(site, order, post):
    Order.objects.update(bitrix_version=None, bitrix_updated_at=timezone.now() + timedelta(minutes=5))
    row = post(order, USER_DESCRIPTION="старое", DATE_UPDATE=stamp(minutes=1))
    assert (row.action, row.state) == ("stale", "processed")
    assert comment(order) != "старое"


def test_values_that_go_there_and_back_within_one_second_are_not_duplicates(site, order, post):
    Order.objects.update(bitrix_version=None)
    same = {"DATE_UPDATE": stamp(seconds=-60)}
    for text in ("первый", "второй"):
        write(site, order, USER_DESCRIPTION=text, **same)
        assert post(order, USER_DESCRIPTION=text, **same).action == "updated"
    write(site, order, USER_DESCRIPTION="первый", **same)
    row = post(order, USER_DESCRIPTION="первый", **same)
    assert (row.action, row.state, comment(order)) == ("stale", "waiting", "второй")
    settle(order)
    row.refresh_from_db()
    assert (row.action, row.state, comment(order)) == ("unchanged", "processed", "первый")


def test_late_repetition_does_not_bring_back_an_old_value(site, order, post):
    Order.objects.update(bitrix_version=None)
    same = {"DATE_UPDATE": stamp(seconds=-60)}
    for text in ("первый", "второй"):
        write(site, order, USER_DESCRIPTION=text, **same)
        post(order, USER_DESCRIPTION=text, **same)
    post(order, USER_DESCRIPTION="первый", **same)
    settle(order)
    assert comment(order) == "второй"


def test_repetition_of_the_known_state_asks_nothing(site, order, post):
    row = post(order, USER_DESCRIPTION="первый", DATE_UPDATE=stamp(seconds=-60))
    times = Order.objects.get().bitrix_state["times_received"]
    again = post(order, USER_DESCRIPTION="первый", DATE_UPDATE=row.payload["data"]["DATE_UPDATE"])
    assert (again.action, again.state) == ("duplicate", "processed")
    assert Order.objects.get().bitrix_state["times_received"] == times


def test_repeated_event_id_is_a_duplicate_although_the_order_has_changed(site, order, post_webhook):
    data = {"ID": str(order.bitrix_order_id), "USER_DESCRIPTION": "первый", "DATE_UPDATE": stamp(seconds=-60)}
    post_webhook("order.update", data, event_id="a")
    post_webhook("order.update", {**data, "USER_DESCRIPTION": "второй"}, event_id="b")
    assert post_webhook("order.update", data, event_id="a").json()["action"] == "duplicate"
    assert comment(order) == "второй"


def test_repetition_that_waits_for_the_site_stays_in_the_inbox_until_it_answers(site, order, post):
    Order.objects.update(bitrix_version=None)
    same = {"DATE_UPDATE": stamp(seconds=-60)}
    for text in ("первый", "второй"):
        post(order, USER_DESCRIPTION=text, **same)
    write(site, order, USER_DESCRIPTION="первый", **same)
    row = post(order, USER_DESCRIPTION="первый", **same)
    site.faults.give(faults.status(503), action="order.get")
    assert not status_check.check_status(str(order.pk))
    row.refresh_from_db()
    assert row.state == "waiting"
    settle(order)
    assert comment(order) == "первый"


def test_different_values_with_the_same_time_are_applied_and_confirmed(
    site, order, post, django_capture_on_commit_callbacks
):
    Order.objects.update(bitrix_version=None)
    same = {"DATE_UPDATE": stamp(seconds=-60)}
    post(order, USER_DESCRIPTION="второй", **same)
    # The first of two saves of one second arrives last.
    write(site, order, USER_DESCRIPTION="второй", **same)
    with django_capture_on_commit_callbacks() as callbacks:
        assert post(order, USER_DESCRIPTION="первый", **same).action == "updated"
    assert len(callbacks) > 0
    settle(order)
    assert comment(order) == "второй"


def test_deletion_that_is_repeated_has_no_effect(site, order, post):
    columns = {"webhook_timestamp": stamp(minutes=1)}
    post(order, "order.delete", **columns)
    Order.objects.update(is_deleted_on_site=False)
    assert post(order, "order.delete", **columns).action == "duplicate"
    assert not Order.objects.get().is_deleted_on_site


def test_product_time_from_the_future_does_not_block_later_events(post_webhook):
    def post_product(name, time):
        data = {"ID": "5", "NAME": name, "TIMESTAMP_X": time}
        return post_webhook("product.update", data, path="/webhooks/bitrix/product").json()["action"]

    assert post_product("Роза", NEXT_YEAR) == "created"
    assert post_product("Роза 2", stamp(minutes=1)) == "updated"
    assert post_product("Роза 1", stamp(minutes=2)) == "stale"
    assert Product.objects.get().name == "Роза 2"


def test_clocks_that_contradict_each_other_do_not_decide(post_webhook, site, order, post):
    Order.objects.update(bitrix_version=9, bitrix_updated_at=timezone.now())
    write(site, order, USER_DESCRIPTION="новый")
    row = WebhookEvent.objects.get(
        pk=post_webhook(
            "order.update", order_data(ID=str(order.bitrix_order_id), VERSION="5", DATE_UPDATE=stamp(seconds=-60))
        ).json()["event_id"]
    )
    assert row.state == "waiting"
    settle(order)
    assert comment(order) == "новый"


def test_order_page_and_system_status_show_a_future_time(site, order, post, client, manager, django_user_model):
    address = reverse("admin:orders_order_change", args=[order.pk])
    client.force_login(manager)
    assert "Сверяется с сайтом" not in client.get(address).content.decode()
    assert probes.site_clock.run().level == Level.GREEN
    post(order, USER_DESCRIPTION="первый", DATE_UPDATE=NEXT_YEAR)
    Order.objects.update(bitrix_version=None)
    row = post(order, USER_DESCRIPTION="второй", DATE_UPDATE=stamp(minutes=1))
    assert row.state == "waiting"
    page = client.get(address).content.decode()
    assert "Сверяется с сайтом" in page
    assert "это время ещё не наступило" in page
    assert reverse("admin:bitrix_bridge_webhookevent_change", args=[row.pk]) in page
    found = probes.site_clock.run()
    assert (found.level, found.figure.partition(", вперёд")[0]) == (Level.YELLOW, "события: 1, заказы: 1")
    florist = django_user_model.objects.create_user("florist", password="made-up-password", is_staff=True)
    florist.groups.add(Group.objects.get(name="Флорист"))
    client.force_login(florist)
    assert "Сверяется с сайтом" not in client.get(address).content.decode()
