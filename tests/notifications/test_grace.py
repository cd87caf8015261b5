"""Messages about a status that can be taken back: none leaves early, and none at all if it is."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from cvety_crm.outbox import AttemptOutcome, State, deliver_one
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
    """An order whose arrival Telegram has not been told of yet."""
    post_webhook("order.create", order_data())
    return Order.objects.get()


def change(order: Order, status: str, manager: User) -> OrderEvent:
    services.change_status(order_id=order.pk, status=status, actor=manager)
    return order.events.filter(kind="status")[0]


def take_back(event: OrderEvent) -> None:
    services.undo_status(order_id=event.order_id, event_id=event.pk, actor=None)


def deliver() -> int:
    """Deliver the messages that are due."""
    keys = list(TelegramMessage.objects.order_by("created_at").values_list("pk", flat=True))
    return sum(deliver_one(TelegramMessage, key) for key in keys)


def about_statuses(bot_api: BotApi) -> list[str]:
    """Return the first lines of the messages that have arrived about statuses."""
    return [sent.text.split("\n")[1].split(" · ")[0] for sent in bot_api.messages if sent.text.startswith("🔄")]


def test_it_leaves_after_the_grace_time(order: Order, bot_api: BotApi, manager: User, grace: Clock) -> None:
    change(order, "accepted", manager)
    for _second in range(10):
        deliver()
        grace.let_pass(1)
    assert about_statuses(bot_api) == []
    grace.let_pass(1.1)
    deliver()
    assert about_statuses(bot_api) == ["Новый → Принят"]
    assert TelegramMessage.objects.get(kind=Kind.STATUS).attempts == 1


def test_what_the_site_has_changed_leaves_at_once(
    order: Order, bot_api: BotApi, post_webhook: Any, grace: Clock
) -> None:
    post_webhook("order.update", order_data(STATUS_ID="AP", VERSION="2"))
    deliver()
    assert about_statuses(bot_api) == ["Новый → Принят"]


def test_taken_back_it_never_leaves_and_its_row_is_gone(
    order: Order, bot_api: BotApi, manager: User, grace: Clock
) -> None:
    take_back(change(order, "accepted", manager))
    assert not TelegramMessage.objects.filter(kind=Kind.STATUS).exists()
    grace.let_pass(60)
    deliver()
    assert about_statuses(bot_api) == []


def test_of_two_the_first_leaves_when_its_own_time_is_over(
    order: Order, bot_api: BotApi, manager: User, grace: Clock
) -> None:
    change(order, "accepted", manager)
    grace.let_pass(3)
    second = change(order, "delivering", manager)
    grace.let_pass(8.5)
    deliver()
    take_back(second)
    grace.let_pass(60)
    deliver()
    assert about_statuses(bot_api) == ["Новый → Принят"]


def test_hurried_by_staff_it_waits_on(order: Order, bot_api: BotApi, manager: User, grace: Clock) -> None:
    event = change(order, "accepted", manager)
    message = TelegramMessage.objects.get(kind=Kind.STATUS)
    due_at = message.due_at
    assert message.deliver_now(by=manager)
    deliver()
    message.refresh_from_db()
    assert (message.state, message.failures, message.due_at) == (State.PENDING, 0, due_at)
    assert message.attempt_log.get().outcome == AttemptOutcome.POSTPONED
    take_back(event)
    assert not TelegramMessageAttempt.objects.filter(entry=message.pk).exists()
    grace.let_pass(60)
    deliver()
    assert about_statuses(bot_api) == []


def test_taken_back_while_a_worker_has_it_in_hand(
    order: Order, bot_api: BotApi, manager: User, grace: Clock, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    event = change(order, "accepted", manager)
    message = TelegramMessage.objects.get(kind=Kind.STATUS)
    TelegramMessage.objects.filter(pk=message.pk).update(due_at=timezone.now())
    honest = services.release_status

    def after_it_was_taken_back(**keys: Any) -> Any:
        take_back(event)
        return honest(**keys)

    monkeypatch.setattr(services, "release_status", after_it_was_taken_back)
    assert deliver_one(TelegramMessage, message.pk)
    assert about_statuses(bot_api) == []
    assert not TelegramMessage.objects.filter(pk=message.pk).exists()
    assert "unexpectedly" not in caplog.text


def test_once_it_is_on_its_way_it_can_not_be_taken_back(
    order: Order, bot_api: BotApi, manager: User, grace: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.rules.hold.MARGIN", timedelta(seconds=-10))  # by the clock both may
    event = change(order, "accepted", manager)
    deliver()
    assert about_statuses(bot_api) == ["Новый → Принят"]
    with pytest.raises(services.NotAllowedError):
        take_back(event)


def test_a_message_about_a_new_order_does_not_give_it_away(
    order: Order, bot_api: BotApi, manager: User, grace: Clock
) -> None:
    change(order, "accepted", manager)
    deliver()
    (sent,) = bot_api.messages
    assert "📋 Новый" in sent.text
    assert "Принят" not in sent.text
    assert Order.objects.get().status_id == "accepted"
