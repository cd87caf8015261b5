"""Tests of the hold period: a status message is not sent before its end, and never if the status is undone."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cvety_crm.outbox import AttemptOutcome, State, deliver_one
from cvety_crm.users import User
from notifications.models import TelegramMessage, TelegramMessageAttempt
from orders import services
from orders.models import Order, OrderEvent
from tests.fixtures import Clock
from tests.notifications.bot_api import BotApi
from tests.samples import order_data

pytestmark = pytest.mark.django_db

Kind = TelegramMessage.Kind


@pytest.fixture
def order(bot_api: BotApi, post_webhook: Any) -> Order:
    """Return an order whose first message has not been delivered yet."""
    post_webhook("order.create", order_data())
    return Order.objects.get()


def change(order: Order, status: str, manager: User) -> OrderEvent:
    services.change_status(order_id=order.pk, status=status, actor=manager)
    return order.events.filter(kind="status")[0]


def undo(event: OrderEvent) -> None:
    services.undo_status(order_id=event.order_id, event_id=event.pk, actor=None)


def deliver() -> int:
    """Deliver the messages that are due, and return the number of delivered messages."""
    ids = list(TelegramMessage.objects.order_by("created_at").values_list("pk", flat=True))
    return sum(deliver_one(TelegramMessage, pk) for pk in ids)


def sent_status_changes(bot_api: BotApi) -> list[str]:
    """Return the line about the status change of each delivered status message."""
    return [sent.text.split("\n")[1].split(" · ")[0] for sent in bot_api.messages if sent.text.startswith("🔄")]


def test_status_message_is_sent_after_the_hold_period(
    order: Order, bot_api: BotApi, manager: User, hold_clock: Clock
) -> None:
    change(order, "accepted", manager)
    for _second in range(10):
        deliver()
        hold_clock.let_pass(1)
    assert sent_status_changes(bot_api) == []
    hold_clock.let_pass(1.1)
    deliver()
    assert sent_status_changes(bot_api) == ["Новый → Принят"]
    assert TelegramMessage.objects.get(kind=Kind.STATUS).attempts == 1


def test_status_change_by_the_site_is_sent_without_hold(
    order: Order, bot_api: BotApi, post_webhook: Any, hold_clock: Clock
) -> None:
    post_webhook("order.update", order_data(STATUS_ID="AP", VERSION="2"))
    deliver()
    assert sent_status_changes(bot_api) == ["Новый → Принят"]


def test_undo_deletes_the_status_message(order: Order, bot_api: BotApi, manager: User, hold_clock: Clock) -> None:
    undo(change(order, "accepted", manager))
    assert not TelegramMessage.objects.filter(kind=Kind.STATUS).exists()
    hold_clock.let_pass(60)
    deliver()
    assert sent_status_changes(bot_api) == []


def test_first_of_two_status_changes_is_sent_after_its_own_hold_period(
    order: Order, bot_api: BotApi, manager: User, hold_clock: Clock
) -> None:
    change(order, "accepted", manager)
    hold_clock.let_pass(3)
    second = change(order, "delivering", manager)
    hold_clock.let_pass(8.5)
    deliver()
    undo(second)
    hold_clock.let_pass(60)
    deliver()
    assert sent_status_changes(bot_api) == ["Новый → Принят"]


def test_deliver_now_does_not_shorten_the_hold_period(
    order: Order, bot_api: BotApi, manager: User, hold_clock: Clock
) -> None:
    event = change(order, "accepted", manager)
    message = TelegramMessage.objects.get(kind=Kind.STATUS)
    due_at = message.due_at
    assert message.deliver_now(by=manager)
    deliver()
    message.refresh_from_db()
    assert (message.state, message.failures, message.due_at) == (State.PENDING, 0, due_at)
    assert message.attempt_log.get().outcome == AttemptOutcome.POSTPONED
    undo(event)
    assert not TelegramMessageAttempt.objects.filter(entry=message.pk).exists()
    hold_clock.let_pass(60)
    deliver()
    assert sent_status_changes(bot_api) == []


def test_undo_during_delivery_cancels_the_message(
    order: Order, bot_api: BotApi, manager: User, hold_clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    event = change(order, "accepted", manager)
    message = TelegramMessage.objects.get(kind=Kind.STATUS)
    TelegramMessage.objects.filter(pk=message.pk).update(due_at=timezone.now())
    original = services.release_status

    def undo_first(**kwargs: Any) -> Any:
        undo(event)
        return original(**kwargs)

    monkeypatch.setattr(services, "release_status", undo_first)
    assert deliver_one(TelegramMessage, message.pk)
    assert sent_status_changes(bot_api) == []
    assert not TelegramMessage.objects.filter(pk=message.pk).exists()
    assert "unexpectedly" not in caplog.text


def test_undo_is_refused_after_the_message_was_sent(
    order: Order, bot_api: BotApi, manager: User, hold_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With this margin, the clock allows both the undo and the delivery.
    monkeypatch.setattr("orders.rules.hold.MARGIN", timedelta(seconds=-10))
    event = change(order, "accepted", manager)
    deliver()
    assert sent_status_changes(bot_api) == ["Новый → Принят"]
    with pytest.raises(services.NotAllowedError):
        undo(event)


def test_new_order_message_does_not_show_a_status_in_its_hold_period(
    order: Order, bot_api: BotApi, manager: User, hold_clock: Clock
) -> None:
    change(order, "accepted", manager)
    deliver()
    (sent,) = bot_api.messages
    assert "📋 Новый" in sent.text
    assert "Принят" not in sent.text
    assert Order.objects.get().status_id == "accepted"
