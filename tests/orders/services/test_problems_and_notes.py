"""Tests of problems and notes: what is stored, what is refused, and who is notified."""

import pytest

from bitrix_bridge.models import Push
from notifications.models import TelegramMessage
from notifications.rendering import preview
from orders import services
from orders.models import EventKind, Order, OrderNote, SyncState
from orders.services import NotAllowedError
from tests.samples import order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(post_webhook) -> Order:
    post_webhook("order.create", order_data())
    return Order.objects.get()


def test_problem_has_author_and_reason_until_solved(order, manager):
    services.report_problem(order_id=order.pk, reason="  Нет адреса:\n подъезд ", actor=manager)
    services.report_problem(order_id=order.pk, reason="Нет адреса: подъезд", actor=manager)
    order.refresh_from_db()
    event = order.events.get(kind=EventKind.PROBLEM)
    assert order.problem == event.details["problem"] == "Нет адреса: подъезд"
    assert event.actor == manager

    services.solve_problem(order_id=order.pk, actor=manager, comment="дозвонились")
    services.solve_problem(order_id=order.pk, actor=manager)
    order.refresh_from_db()
    assert order.problem == ""
    assert order.events.get(kind=EventKind.SOLVED).details == {
        "problem": "Нет адреса: подъезд",
        "comment": "дозвонились",
    }


@pytest.mark.parametrize("reason", ["", " \n ", "я" * 501])
def test_report_problem_refuses_empty_or_too_long_reason(order, manager, reason):
    with pytest.raises(NotAllowedError):
        services.report_problem(order_id=order.pk, reason=reason, actor=manager)
    order.refresh_from_db()
    assert order.problem == ""
    assert not order.events.filter(kind=EventKind.PROBLEM).exists()


@pytest.mark.parametrize("state", SyncState.values)
def test_problem_queues_telegram_message_and_no_push(order, manager, settings, state):
    settings.TELEGRAM_NOTIFICATIONS_ENABLED, settings.TELEGRAM_BOT_TOKEN = True, "1:made-up"
    settings.TELEGRAM_ALERT_CHAT_ID = "-200"
    Order.objects.filter(pk=order.pk).update(sync_state=state)
    TelegramMessage.objects.all().delete()
    services.report_problem(order_id=order.pk, reason="Нет <роз>", actor=manager)
    services.solve_problem(order_id=order.pk, actor=manager)
    assert not Push.objects.exists()
    order.refresh_from_db()
    assert order.sync_state == state
    message = TelegramMessage.objects.get()
    assert message.chat_id == "-200"
    for text in ("⚠️", "Проблема: заказ №\xa0122183", "Нет &lt;роз&gt;", "Данияр"):
        assert text in preview(message), text


def test_add_note_stores_lines_and_author_and_refuses_bad_texts(order, manager):
    services.add_note(order_id=order.pk, text=" Первая\r\nвторая\0 ", actor=manager)
    note = OrderNote.objects.get()
    assert (note.text, note.author, note.order) == ("Первая\nвторая", manager, order)
    for text in (" \r\n", "я" * 5001):
        with pytest.raises(NotAllowedError):
            services.add_note(order_id=order.pk, text=text, actor=manager)
    assert OrderNote.objects.count() == 1
