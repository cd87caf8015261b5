"""Tests of `manage.py sanity_check`: each contradiction is found, with the way out, and nothing is written."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import InternalError
from django.utils import timezone

from bitrix_bridge.models import Push, PushAttempt, Reconciliation, WebhookEvent
from cvety_crm.models import Heartbeat
from cvety_crm.ops import sanity
from cvety_crm.ops.health import Level
from cvety_crm.ops.probes import sanity as probe
from notifications.models import TelegramMessage
from orders.models import Customer, Order, OrderItem, OrderPhoto, Payment, ReportSchedule, Source
from tests.samples import order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(post_webhook):
    """Return an order of the site that breaks no rule."""
    assert post_webhook("order.create", order_data()).json()["action"] == "created"
    TelegramMessage.objects.all().delete()
    return Order.objects.get()


def broken():
    return {one.name: one for one in sanity.run_checks() if one.number}


def run(*arguments):
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("sanity_check", *arguments, stdout=out)
    return ended.value.code, out.getvalue()


def hours_ago(number):
    return timezone.now() - timedelta(hours=number)


def break_payments(order):
    Payment.objects.create(order=order, amount=Decimal("1.00"))


def break_item(order):
    OrderItem.objects.filter(order=order).update(total=1)


def break_sum(order):
    Order.objects.filter(pk=order.pk).update(bitrix_order_id=None, source=Source.ADMIN, total_amount=1)


def break_route(order):
    Order.objects.filter(pk=order.pk).update(route_position=1)


def break_making(order):
    from cvety_crm.users import User

    Order.objects.filter(pk=order.pk).update(taken_by=User.objects.create(username="florist"))


def break_photo(order):
    OrderPhoto.objects.create(order=order)


def break_merge(order):
    Customer.objects.filter(pk=order.customer_id).update(merged_into=Customer.objects.create(name="Аня"))


def break_chain(order):
    last = Customer.objects.create(name="Аня")
    middle = Customer.objects.create(name="Анна", merged_into=last)
    Customer.objects.create(name="Анюта", merged_into=middle)


def break_schedule(order):
    ReportSchedule.objects.create(name="По дням", table="orders", file_format="xlsx", period="today", next_run_at=None)


def break_stub(order):
    Order.objects.filter(pk=order.pk).update(is_stub=True, bitrix_order_id=None)


def break_sync(order):
    Order.objects.filter(pk=order.pk).update(sync_state="pending", updated_at=hours_ago(1))


def event(**columns):
    WebhookEvent.objects.create(event="order.update", payload={}, action="stored", **columns)


def push(order, **columns):
    return Push.objects.create(order=order, **columns)


BREAKS = {
    "orders.payments": break_payments,
    "items.total": break_item,
    "orders.total": break_sum,
    "orders.route": break_route,
    "orders.making": break_making,
    "photos.files": break_photo,
    "customers.merged": break_merge,
    "customers.chain": break_chain,
    "report_schedules.due": break_schedule,
    "orders.stub_without_id": break_stub,
    "orders.no_push": break_sync,
    "events.no_retry_time": lambda order: event(state="waiting"),
    "events.overdue": lambda order: event(state="queued", retry_at=hours_ago(2)),
    "events.ended": lambda order: event(state="failed", retry_at=timezone.now()),
    "bitrix_pushes.no_lease": lambda order: push(order, state="sending"),
    "bitrix_pushes.overdue": lambda order: push(order, due_at=hours_ago(2)),
    "bitrix_pushes.too_far": lambda order: push(order, due_at=hours_ago(-200)),
    "bitrix_pushes.finish_time": lambda order: push(order, state="failed"),
    "bitrix_pushes.open_attempt": lambda order: PushAttempt.objects.create(
        entry=push(order, state="failed", finished_at=timezone.now()), number=1
    ),
    "bitrix_reconciliations.idle": lambda order: Reconciliation.objects.filter(
        pk=Reconciliation.objects.create(origin="command").pk
    ).update(updated_at=hours_ago(2)),
}


def test_order_of_the_site_contradicts_nothing(order):
    assert broken() == {}
    code, out = run()
    assert (code, out.splitlines()[-1]) == (0, "Данные не противоречат друг другу.")


@pytest.mark.parametrize("name", BREAKS)
def test_contradiction_is_found(order, name):
    BREAKS[name](order)
    found = broken()
    assert name in found
    assert (found[name].number, bool(found[name].fix), len(found[name].examples)) == (1, True, 1)


def test_command_names_the_rows_and_the_way_out(order):
    break_payments(order)
    code, out = run()
    assert code == 1
    (line,) = [line for line in out.splitlines() if line.startswith("✖")]
    assert order.order_number in line
    assert "  → Откройте заказ" in out


def test_json_has_every_check(order):
    code, out = run("--json")
    report = json.loads(out)
    assert (code, report["is_clean"]) == (0, True)
    assert {one["name"] for one in report["checks"]} >= set(BREAKS)
    break_payments(order)
    code, out = run("--json")
    (one,) = [one for one in json.loads(out)["checks"] if one["number"]]
    assert (code, one["name"], one["examples"]) == (1, "orders.payments", [order.order_number])


def test_each_check_is_one_query(order, django_assert_num_queries):
    number = len(sanity.run_checks())
    for _ in range(3):
        break_photo(order)
    with django_assert_num_queries(number + 4):  # the settings, and the savepoint with its rollback and release
        sanity.run_checks()


def test_transaction_is_read_only_and_the_next_one_is_not(order, monkeypatch):
    def write():
        order.save()
        return Order.objects.none()

    check = sanity.SanityCheck("writes", "writes", "", write)
    monkeypatch.setattr(sanity, "_checks", lambda: [check])
    with pytest.raises(InternalError, match="read-only"):
        sanity.run_checks()
    order.save()


def test_many_rows_are_counted_up_to_a_limit(order, monkeypatch):
    monkeypatch.setattr(sanity, "MOST_COUNTED", 6)
    for _ in range(8):
        break_photo(order)
    found = broken()["photos.files"]
    assert (found.number, len(found.examples), found.figure.startswith("больше 6 (")) == (7, 5, True)


def test_nightly_run_is_shown_in_the_system_status_and_alerts_once(order):
    assert (probe.run().level, probe.run().figure) == (Level.GREEN, "ещё не было")
    sanity.check_nightly()
    assert (probe.run().level, TelegramMessage.objects.count()) == (Level.GREEN, 0)
    break_payments(order)
    for _ in range(2):
        sanity.check_nightly()
    found = probe.run()
    assert (found.level, "sanity_check" in found.hint) == (Level.YELLOW, True)
    (message,) = TelegramMessage.objects.all()
    assert "Заказы, у которых платежи" in message.text
    Payment.objects.all().delete()
    sanity.check_nightly()
    assert probe.run().level == Level.GREEN
    assert Heartbeat.objects.filter(name__startswith="sanity").count() == 2
