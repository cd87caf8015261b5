"""Tests of a site that sends webhooks and can't be asked: no event waits for an answer, and guesses are marked."""

import pytest
from django_q.models import OrmQ

from bitrix_bridge import refetch
from bitrix_bridge.inbound import inbox
from bitrix_bridge.models import WebhookEvent
from orders.models import Order, Reason
from tests.samples import order_data

pytestmark = pytest.mark.django_db
EARLIER, LATER = "2025-08-24 10:00:00", "2025-08-24 10:05:00"
GUESSED = "считается пришедшее последним"


@pytest.fixture
def send(post_webhook):
    """Return a function that posts an event about the sample order and returns the row of the inbox."""

    def send(event="order.update", **columns):
        answer = post_webhook(event, {"ID": "122183", **columns})
        assert answer.status_code == 200
        return WebhookEvent.objects.get(pk=answer.json()["event_id"])

    return send


@pytest.fixture
def order(post_webhook):
    post_webhook("order.create", order_data(VERSION="5", DATE_UPDATE=EARLIER))
    return Order.objects.get()


def is_marked(row):
    entry = Order.objects.get().events.order_by("-created_at").first()
    return (row.state, GUESSED in row.error, entry.reason == Reason.GUESSED) == ("processed", True, True)


@pytest.mark.parametrize(("version", "date"), [("4", LATER), ("6", "2025-08-24 09:00:00"), ("4", EARLIER)])
def test_event_with_contradicting_clocks_is_applied_and_marked(order, send, version, date):
    row = send(VERSION=version, DATE_UPDATE=date, USER_DESCRIPTION="позвонить", properties={}, basket=[])
    assert row.action == "updated"
    assert Order.objects.get().comment == "позвонить"
    assert is_marked(row)


def test_values_that_go_back_within_one_second_are_applied_and_marked(post_webhook, send):
    post_webhook("order.create", order_data(VERSION=None, DATE_UPDATE=EARLIER))
    for text in ("первый", "второй"):
        assert send(USER_DESCRIPTION=text, DATE_UPDATE=LATER).action == "updated"
    row = send(USER_DESCRIPTION="первый", DATE_UPDATE=LATER)
    assert (row.action, Order.objects.get().comment) == ("updated", "первый")
    assert is_marked(row)
    again = send(USER_DESCRIPTION="первый", DATE_UPDATE=LATER)
    assert (again.action, again.error) == ("duplicate", "")


def test_event_that_is_certainly_old_is_not_applied(order, send):
    row = send(VERSION="4", DATE_UPDATE="2025-08-24 09:00:00", USER_DESCRIPTION="старое", properties={}, basket=[])
    assert (row.action, row.state, row.error) == ("stale", "processed", "")
    assert Order.objects.get().comment != "старое"


def test_certain_change_is_not_marked(order, send):
    row = send(VERSION="6", DATE_UPDATE=LATER, USER_DESCRIPTION="позвонить", properties={}, basket=[])
    assert (row.action, row.error) == ("updated", "")
    assert not order.events.filter(reason=Reason.GUESSED).exists()


def test_stub_is_not_requested(send, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        send("order.status.change", STATUS_ID="N")
    assert Order.objects.get().is_stub
    assert refetch.refetch_due() == 0
    assert not OrmQ.objects.exists()


def test_event_that_waited_for_the_site_gives_way_to_later_events(settings, order, send):
    settings.BITRIX_API_URL = "http://127.0.0.1:9/"
    row = send(VERSION="4", DATE_UPDATE=LATER, USER_DESCRIPTION="первый", properties={}, basket=[])
    assert row.state == "waiting"
    settings.BITRIX_API_URL = ""
    send(VERSION="6", DATE_UPDATE=LATER, USER_DESCRIPTION="второй", properties={}, basket=[])
    assert inbox.reprocess(row.pk).action == "stale"
    assert Order.objects.get().comment == "второй"
