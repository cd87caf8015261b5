"""Tests of retention: the rows that are deleted, the rows that are kept, and the links to deleted rows."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bitrix_bridge.models import ImportRow, ImportRun, Push, PushAttempt, WebhookEvent
from bitrix_bridge.retention import prune_import_rows, prune_inbox
from cvety_crm.ops import retention, schedules
from cvety_crm.ops.retention import prune_outbox
from notifications.models import TelegramMessage, TelegramMessageAttempt
from orders.models import Order, OrderEvent
from tests.samples import order_data

pytestmark = pytest.mark.django_db


def ago(days):
    return timezone.now() - timedelta(days=days)


@pytest.fixture
def order(post_webhook):
    post_webhook("order.create", order_data())
    Push.objects.all().delete()
    TelegramMessage.objects.all().delete()
    return Order.objects.get()


def event(created, processed=None, **values):
    values = {"event": "order.update", "payload": {}, "action": "updated", **values}
    row = WebhookEvent.objects.create(processed_at=None if processed is None else ago(processed), **values)
    WebhookEvent.objects.filter(pk=row.pk).update(created_at=ago(created))
    return row.pk


def entry(model, created, finished, state, **values):
    row = model.objects.create(state=state, finished_at=None if finished is None else ago(finished), **values)
    model.objects.filter(pk=row.pk).update(created_at=ago(created))
    row.attempt_log.create(number=1)
    return row.pk


def ids(model):
    return set(model.objects.values_list("pk", flat=True))


def test_prune_inbox_deletes_old_processed_events_only(order, settings):
    WebhookEvent.objects.all().delete()
    gone = {event(91, 91), event(200, 200, action="unchanged"), event(91, 91, event="coupon.used", action="ignored")}
    kept = {
        event(89, 89),
        event(200, 3),  # staff have processed this event again
        event(200, state="failed"),
        event(200, state="waiting", retry_at=timezone.now()),
        event(200, 200, event="order.delete"),
        event(200, 200, event="Product.Delete"),
    }
    assert prune_inbox() == len(gone)
    assert ids(WebhookEvent) == kept
    settings.KEEP_EVENTS_DAYS = 2
    assert prune_inbox() == 2


def test_deletion_event_received_before_its_order_is_never_pruned(post_webhook):
    post_webhook("order.delete", {"ID": "122183"})
    WebhookEvent.objects.update(created_at=ago(500), processed_at=ago(500))
    prune_inbox()
    post_webhook("order.create", order_data())
    assert Order.objects.get().is_deleted_on_site


@pytest.mark.parametrize(("model", "attempts"), [(Push, PushAttempt), (TelegramMessage, TelegramMessageAttempt)])
def test_prune_outbox_deletes_old_finished_entries_with_their_attempts(order, settings, model, attempts):
    about = {"order": order} | ({"kind": "status", "chat_id": "-1"} if model is TelegramMessage else {})
    for state in ("delivered", "cancelled"):
        entry(model, 91, 91, state, **about)
    kept = {
        entry(model, 89, 89, "delivered", **about),
        entry(model, 200, 3, "delivered", **about),
        entry(model, 200, 200, "failed", **about),
        entry(model, 200, None, "pending", **about),
    }
    settings.KEEP_SENT_DAYS = 0
    assert prune_outbox() == 0
    settings.KEEP_SENT_DAYS = 90
    assert prune_outbox() == 2
    assert (ids(model), set(attempts.objects.values_list("entry", flat=True))) == (kept, kept)


def test_old_events_are_deleted_in_batches(order, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        event(91, 91)
    assert prune_inbox() == 5


def test_pruning_stops_when_its_time_is_over(order, monkeypatch):
    event(91, 91)
    monkeypatch.setattr(retention, "SECONDS", 0)
    assert prune_inbox() == 0
    monkeypatch.undo()
    assert prune_inbox() == 1


@pytest.mark.django_db(transaction=True)
def test_locked_entry_is_not_deleted(order):
    key = entry(Push, 91, 91, "cancelled", order=order)
    other_connection = connection.copy()
    try:
        with transaction.atomic():
            other_connection.set_autocommit(False)
            other_connection.cursor().execute("SELECT 1 FROM bitrix_pushes WHERE id = %s FOR UPDATE", [key])
            assert prune_outbox() == 0
    finally:
        other_connection.rollback()
        other_connection.close()
    assert prune_outbox() == 1


def test_query_for_the_oldest_events_uses_the_index(order):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    old = WebhookEvent.objects.filter(created_at__lt=ago(90), state="processed").order_by("created_at")[:500]
    assert "webhook_events_created" in old.explain()
    assert "Sort" not in old.explain()


def test_timeline_is_kept_and_its_links_to_deleted_rows_show_a_message(order, client, manager):
    push = entry(Push, 91, 91, "delivered", order=order)
    created = OrderEvent.objects.get()
    OrderEvent.objects.create(order=order, kind="sent", source="system", push_id=push)
    WebhookEvent.objects.update(created_at=ago(91), processed_at=ago(91))
    schedules.each_day()
    assert not WebhookEvent.objects.exists()
    assert not Push.objects.exists()
    assert OrderEvent.objects.count() == 2
    client.force_login(manager)
    page = client.get(f"/crm/orders/order/{order.pk}/change/")
    assert page.status_code == 200
    for path in (
        f"/crm/bitrix_bridge/webhookevent/{created.webhook_event_id}/change/",
        f"/crm/bitrix_bridge/push/{push}/change/",
    ):
        assert path in page.content.decode()
        answer = client.get(path, follow=True)
        assert answer.redirect_chain == [(path.split(path.split("/")[4])[0], 302)]
        assert "Этой записи больше нет" in answer.content.decode()


def test_prune_import_rows_keeps_failed_rows_and_recent_imports(settings):
    kept = set()
    for state, ended in (("done", 91), ("stopped", 91), ("running", None), ("done", 89)):
        run = ImportRun.objects.create(
            state=state, finished_at=ago(ended) if ended else None, created=2, failed=1, reasons=[{"code": "no_lines"}]
        )
        for key, outcome in enumerate(("created", "unchanged", "failed")):
            row = ImportRow.objects.create(run=run, bitrix_order_id=key, outcome=outcome)
            if ended != 91 or outcome == "failed":
                kept.add(row.pk)
    settings.KEEP_EVENTS_DAYS = 0
    assert prune_import_rows() == 0
    settings.KEEP_EVENTS_DAYS = 90
    assert prune_import_rows() == 4
    assert ids(ImportRow) == kept
    assert all((run.created, run.failed, len(run.reasons)) == (2, 1, 1) for run in ImportRun.objects.all())
    assert ImportRun.objects.count() == 4
    assert prune_import_rows() == 0
