"""Tests of the admin pages of the inbox and of the pushes."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bitrix_bridge.models import ImportRow, ImportRun, Push, PushAttempt, WebhookEvent
from cvety_crm.outbox import State
from cvety_crm.users import User
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
    """Return the URL of the page of a row, or of an action on the row."""
    return reverse(f"admin:bitrix_bridge_{row._meta.model_name}_change", args=[row.pk]).replace("change/", f"{what}/")


def run_action(client, path, action, *rows, **data):
    keys = [str(row.pk) for row in rows]
    return client.post(path, {"action": action, "_selected_action": keys, "index": 0, **data}, follow=True)


POST = {"_form_submitted": "True", "reason": "магазин позвонил"}


# --- the inbox


def test_event_page_shows_its_payload(browser, order):
    event = WebhookEvent.objects.get()
    html = browser.get(url(event)).content.decode()
    assert "order.create" in html
    assert "122183" in html
    assert "С днём рождения, мама! 🌹" in html
    assert "made-up-webhook-token" not in html
    assert 'name="_save"' not in html


def test_only_superusers_see_the_traceback(browser, reader, failed_event):
    assert "Traceback: подробности" in browser.get(url(failed_event)).content.decode()
    html = reader.get(url(failed_event)).content.decode()
    assert "нет связи" in html
    assert "Traceback: подробности" not in html


def test_unreadable_fields_are_shown_as_texts(browser, post_webhook):
    post_webhook("order.create", order_data(properties={"data": "послезавтра"}))
    html = browser.get(url(WebhookEvent.objects.get())).content.decode()
    assert "послезавтра" in html
    assert "не дата" in html


def test_inbox_can_be_filtered_and_searched(browser, order, failed_event):
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


def test_failed_event_can_be_processed_again(browser, failed_event):
    assert browser.get(url(failed_event, "reprocess")).status_code == 200
    assert not Order.objects.exists()
    answer = browser.post(url(failed_event, "reprocess"), POST, headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    failed_event.refresh_from_db()
    assert failed_event.state == WebhookEvent.State.PROCESSED
    assert failed_event.order == Order.objects.get()


def test_selected_events_are_processed_again(browser, failed_event):
    bad = WebhookEvent.objects.create(event="order.create", payload={"data": {}}, state="failed", action="stored")
    html = run_action(browser, INBOX, "reprocess_selected", failed_event, bad).content.decode()
    assert Order.objects.count() == 1
    assert "Обработано: 1" in html


def test_action_on_missing_event_does_not_crash(browser, db):
    for key in ("nonsense", "00000000-0000-0000-0000-000000000000"):
        assert browser.post(f"{INBOX}{key}/reprocess/", POST, follow=True).status_code == 200


def test_user_without_the_right_may_not_process_events(reader, failed_event):
    assert reader.get(url(failed_event, "reprocess")).status_code == 403
    assert reader.post(url(failed_event, "reprocess"), POST).status_code == 403
    run_action(reader, INBOX, "reprocess_selected", failed_event)
    assert not Order.objects.exists()


# --- pushes


def test_push_page_shows_its_request(browser, failed_push):
    html = browser.get(url(failed_push)).content.decode()
    assert "Сайт не отвечает" in html
    assert "&lt;b&gt;Service Unavailable" in html
    assert f"/crm/orders/order/{failed_push.order_id}/change/" in html
    assert "/retry/" in html
    assert "/cancel/" in html
    assert "/deliver_now/" not in html


def test_failed_push_can_be_retried(browser, manager, failed_push):
    assert browser.get(url(failed_push, "retry")).status_code == 200
    browser.post(url(failed_push, "retry"), POST)
    failed_push.refresh_from_db()
    assert (failed_push.state, failed_push.failures, failed_push.retry_by) == (State.PENDING, 0, manager)
    assert Order.objects.get().sync_state == SyncState.PENDING


def test_queued_push_can_be_sent_at_once(browser, failed_push, manager):
    Push.objects.update(state=State.PENDING, due_at="2099-01-01T00:00:00Z")
    browser.post(url(failed_push, "deliver_now"), POST)
    failed_push.refresh_from_db()
    assert failed_push.due_at.year < 2099
    assert failed_push.retry_by == manager


def test_push_can_be_cancelled_with_a_reason(browser, failed_push):
    assert browser.post(url(failed_push, "cancel"), {"_form_submitted": "True", "reason": ""}).status_code == 200
    assert Push.objects.get().state == State.FAILED
    browser.post(url(failed_push, "cancel"), POST)
    failed_push.refresh_from_db()
    assert (failed_push.state, failed_push.last_error) == (State.CANCELLED, "магазин позвонил")


def test_selected_pushes_are_retried_or_cancelled(browser, failed_push):
    html = run_action(browser, PUSHES, "retry_selected", failed_push).content.decode()
    assert "Готово: 1" in html
    assert Push.objects.get().state == State.PENDING
    run_action(browser, PUSHES, "deliver_now_selected", failed_push)
    run_action(browser, PUSHES, "cancel_selected", failed_push)
    assert Push.objects.get().state == State.CANCELLED
    html = run_action(browser, PUSHES, "deliver_now_selected", failed_push).content.decode()
    assert "Готово" not in html


def test_delivered_push_is_not_changed(browser, failed_push):
    Push.objects.update(state=State.DELIVERED)
    for action in ("retry", "deliver_now", "cancel"):
        assert browser.post(url(failed_push, action), POST, follow=True).status_code == 200
    assert Push.objects.get().state == State.DELIVERED
    assert browser.post(f"{PUSHES}nonsense/retry/", POST, follow=True).status_code == 200


def test_user_without_the_right_may_not_retry_pushes(reader, failed_push):
    assert reader.get(url(failed_push)).status_code == 200
    for action in ("retry", "deliver_now", "cancel"):
        assert reader.get(url(failed_push, action)).status_code == 403
        assert reader.post(url(failed_push, action), POST).status_code == 403
        run_action(reader, PUSHES, f"{action}_selected", failed_push)
    assert Push.objects.get().state == State.FAILED


def test_pushes_can_be_searched_and_filtered(browser, failed_push):
    def count(**query):
        return browser.get(PUSHES, query).content.decode().count('class="data-row')

    assert count(q="122183") == 1
    assert count(q="1") == 0
    assert count(state__exact="failed") == 1
    assert count(state__exact="pending") == 0
    assert count(order__id__exact=str(failed_push.order_id)) == 1


# --- both


@pytest.mark.parametrize("name", ["webhookevent", "push", "importrun", "importrow"])
def test_rows_cannot_be_added_changed_or_deleted(browser, failed_push, failed_event, name):
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
def test_number_of_queries_is_constant_for_long_lists(browser, post_webhook, path):
    def make(number):
        post_webhook("order.create", order_data(ID=str(number), ACCOUNT_NUMBER=str(number), basket=[]))
        services.change_status(order_id=Order.objects.get(bitrix_order_id=number).pk, status="accepted", actor=None)

    def number_of_queries():
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(path).status_code == 200
        assert not [q for q in queries if "COUNT(" in q["sql"] and " WHERE " not in q["sql"]]
        return len(queries)

    make(1001)
    number_of_queries()
    few = number_of_queries()
    for number in range(1002, 1020):
        make(number)
    assert number_of_queries() == few <= 10


def test_number_of_queries_is_constant_for_many_attempts(browser, failed_push):
    def number_of_queries():
        with CaptureQueriesContext(connection) as queries:
            browser.get(url(failed_push))
        return len(queries)

    number_of_queries()
    few = number_of_queries()
    for number in range(10, 30):
        PushAttempt.objects.create(entry=failed_push, number=number)
    assert number_of_queries() == few
