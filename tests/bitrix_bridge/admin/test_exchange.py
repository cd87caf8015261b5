"""The inbox and the pushes in the admin."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bitrix_bridge.models import ImportRow, ImportRun, Push, PushAttempt, WebhookEvent
from cvety_crm.outbox import State
from orders import services
from orders.models import Order, Reason, SyncState
from tests.samples import order_data

INBOX, PUSHES = "/crm/bitrix_bridge/webhookevent/", "/crm/bitrix_bridge/push/"


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def browser(manager):
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def reader(db):
    user = User.objects.create_user("reader", password="made-up", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__startswith="view_", content_type__app_label="bitrix_bridge")
    )
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def order(db, post_webhook):
    post_webhook("order.create", order_data())
    return Order.objects.get()


@pytest.fixture
def failed_event(db):
    return WebhookEvent.objects.create(
        event="order.create",
        object_id=122183,
        payload={"event": "order.create", "data": order_data()},
        state=WebhookEvent.State.FAILED,
        action=WebhookEvent.Action.STORED,
        error="OperationalError: нет связи",
        traceback="Traceback: подробности",
        attempts=9,
    )


@pytest.fixture
def failed_push(order):
    services.edit_order(order_id=order.pk, changes={"recipient_name": "Анна"}, actor=None)
    push = Push.objects.get()
    Push.objects.update(state=State.FAILED, failures=9, attempts=9, last_error="Сайт не отвечает", last_code="503")
    PushAttempt.objects.create(entry=push, number=9, code="503", answer="<b>Service Unavailable</b>")
    services.record_refused(order_id=order.pk, push_id=push.pk, reason=Reason.GAVE_UP, message="Сайт не отвечает")
    push.refresh_from_db()
    return push


def url(row: Any, what: str = "change") -> str:
    """Return the address of a row's page, or of one of its actions."""
    return reverse(f"admin:bitrix_bridge_{row._meta.model_name}_change", args=[row.pk]).replace("change/", f"{what}/")


def run(client, path, action, *rows, **data):
    keys = [str(row.pk) for row in rows]
    return client.post(path, {"action": action, "_selected_action": keys, "index": 0, **data}, follow=True)


POST = {"_form_submitted": "True", "reason": "магазин позвонил"}


# --- the inbox


def test_an_event_is_readable(browser, order):
    event = WebhookEvent.objects.get()
    html = browser.get(url(event)).content.decode()
    assert "order.create" in html
    assert "122183" in html
    assert "С днём рождения, мама! 🌹" in html
    assert "made-up-webhook-token" not in html
    assert 'name="_save"' not in html


def test_the_traceback_is_for_superusers(browser, reader, failed_event):
    assert "Traceback: подробности" in browser.get(url(failed_event)).content.decode()
    html = reader.get(url(failed_event)).content.decode()
    assert "нет связи" in html
    assert "Traceback: подробности" not in html


def test_problems_are_told_in_words(browser, post_webhook):
    post_webhook("order.create", order_data(properties={"data": "послезавтра"}))
    html = browser.get(url(WebhookEvent.objects.get())).content.decode()
    assert "послезавтра" in html
    assert "не дата" in html


def test_the_inbox_is_filtered_and_searched(browser, order, failed_event):
    def count(**query):
        return browser.get(INBOX, query).content.decode().count('class="data-row')

    assert count() == 2
    assert count(state__exact="failed") == 1
    assert count(state__in="waiting,failed") == 1
    assert count(action__exact="created") == 1
    assert count(event="order.create") == 2
    assert count(event="product.update") == 0
    assert count(q="122183") == 2
    assert count(q="№ 122183") == 2
    assert count(q="1") == 0
    assert count(q="роза") == 0
    today = failed_event.created_at.astimezone().strftime("%d.%m.%Y")
    assert count(created_at_from=today, created_at_to=today) == 2
    assert count(created_at_to="01.01.2020") == 0
    assert count(created_at_on="01.01.2020") == 0


def test_an_event_is_processed_again(browser, failed_event):
    assert browser.get(url(failed_event, "reprocess")).status_code == 200
    assert not Order.objects.exists()
    answer = browser.post(url(failed_event, "reprocess"), POST, headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    failed_event.refresh_from_db()
    assert failed_event.state == WebhookEvent.State.PROCESSED
    assert failed_event.order == Order.objects.get()


def test_many_events_are_processed_again(browser, failed_event):
    bad = WebhookEvent.objects.create(event="order.create", payload={"data": {}}, state="failed", action="stored")
    html = run(browser, INBOX, "reprocess_selected", failed_event, bad).content.decode()
    assert Order.objects.count() == 1
    assert "Обработано: 1" in html


def test_events_that_are_not_there(browser, db):
    for key in ("nonsense", "00000000-0000-0000-0000-000000000000"):
        assert browser.post(f"{INBOX}{key}/reprocess/", POST, follow=True).status_code == 200


def test_a_reader_may_not_process(reader, failed_event):
    assert reader.get(url(failed_event, "reprocess")).status_code == 403
    assert reader.post(url(failed_event, "reprocess"), POST).status_code == 403
    run(reader, INBOX, "reprocess_selected", failed_event)
    assert not Order.objects.exists()


# --- pushes


def test_a_push_is_readable(browser, failed_push):
    html = browser.get(url(failed_push)).content.decode()
    assert "Сайт не отвечает" in html
    assert "&lt;b&gt;Service Unavailable" in html
    assert f"/crm/orders/order/{failed_push.order_id}/change/" in html
    assert "/retry/" in html
    assert "/cancel/" in html
    assert "/deliver_now/" not in html


def test_a_failed_push_is_retried(browser, manager, failed_push):
    assert browser.get(url(failed_push, "retry")).status_code == 200
    browser.post(url(failed_push, "retry"), POST)
    failed_push.refresh_from_db()
    assert (failed_push.state, failed_push.failures, failed_push.retry_by) == (State.PENDING, 0, manager)
    assert Order.objects.get().sync_state == SyncState.PENDING


def test_a_waiting_push_is_hurried(browser, failed_push, manager):
    Push.objects.update(state=State.PENDING, due_at="2099-01-01T00:00:00Z")
    browser.post(url(failed_push, "deliver_now"), POST)
    failed_push.refresh_from_db()
    assert failed_push.due_at.year < 2099
    assert failed_push.retry_by == manager


def test_a_push_is_cancelled_with_a_reason(browser, failed_push):
    assert browser.post(url(failed_push, "cancel"), {"_form_submitted": "True", "reason": ""}).status_code == 200
    assert Push.objects.get().state == State.FAILED
    browser.post(url(failed_push, "cancel"), POST)
    failed_push.refresh_from_db()
    assert (failed_push.state, failed_push.last_error) == (State.CANCELLED, "магазин позвонил")


def test_many_pushes(browser, failed_push):
    html = run(browser, PUSHES, "retry_selected", failed_push).content.decode()
    assert "Готово: 1" in html
    assert Push.objects.get().state == State.PENDING
    run(browser, PUSHES, "deliver_now_selected", failed_push)
    run(browser, PUSHES, "cancel_selected", failed_push)
    assert Push.objects.get().state == State.CANCELLED
    html = run(browser, PUSHES, "deliver_now_selected", failed_push).content.decode()
    assert "Готово" not in html


def test_what_is_delivered_is_left_alone(browser, failed_push):
    Push.objects.update(state=State.DELIVERED)
    for action in ("retry", "deliver_now", "cancel"):
        assert browser.post(url(failed_push, action), POST, follow=True).status_code == 200
    assert Push.objects.get().state == State.DELIVERED
    assert browser.post(f"{PUSHES}nonsense/retry/", POST, follow=True).status_code == 200


def test_a_reader_may_not_nudge(reader, failed_push):
    assert reader.get(url(failed_push)).status_code == 200
    for action in ("retry", "deliver_now", "cancel"):
        assert reader.get(url(failed_push, action)).status_code == 403
        assert reader.post(url(failed_push, action), POST).status_code == 403
        run(reader, PUSHES, f"{action}_selected", failed_push)
    assert Push.objects.get().state == State.FAILED


def test_pushes_are_found(browser, failed_push):
    def count(**query):
        return browser.get(PUSHES, query).content.decode().count('class="data-row')

    assert count(q="122183") == 1
    assert count(q="1") == 0
    assert count(state__exact="failed") == 1
    assert count(state__exact="pending") == 0
    assert count(order__id__exact=str(failed_push.order_id)) == 1


# --- all of them


@pytest.mark.parametrize("name", ["webhookevent", "push", "importrun", "importrow"])
def test_nothing_is_added_changed_or_deleted_by_hand(browser, failed_push, failed_event, name):
    run_row = ImportRun.objects.create()
    rows = {
        "webhookevent": failed_event,
        "push": failed_push,
        "importrun": run_row,
        "importrow": ImportRow.objects.create(run=run_row, bitrix_order_id=5, outcome="created", reasons=[]),
    }
    row = rows[name]
    assert browser.get(f"/crm/bitrix_bridge/{name}/").status_code == 200
    assert browser.get(url(row)).status_code == 200
    assert browser.get(f"/crm/bitrix_bridge/{name}/add/").status_code == 403
    assert browser.post(url(row), {"state": "delivered", "event": "x"}).status_code == 403
    assert browser.post(url(row, "delete"), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("path", [INBOX, PUSHES])
def test_lists_cost_the_same_with_many_rows(browser, post_webhook, path):
    def make(number):
        post_webhook("order.create", order_data(ID=str(number), ACCOUNT_NUMBER=str(number), basket=[]))
        services.change_status(order_id=Order.objects.get(bitrix_order_id=number).pk, status="accepted", actor=None)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(path).status_code == 200
        assert not [q for q in queries if "COUNT(" in q["sql"] and " WHERE " not in q["sql"]]
        return len(queries)

    make(1001)
    cost()
    few = cost()
    for number in range(1002, 1020):
        make(number)
    assert cost() == few <= 10


def test_a_push_page_costs_the_same_with_many_attempts(browser, failed_push):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            browser.get(url(failed_push))
        return len(queries)

    cost()
    few = cost()
    for number in range(10, 30):
        PushAttempt.objects.create(entry=failed_push, number=number)
    assert cost() == few
