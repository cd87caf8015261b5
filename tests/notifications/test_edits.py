"""Tests that messages follow their orders: the buttons and the text are edited after changes from anywhere."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from cvety_crm.outbox import State, deliver_one
from cvety_crm.users import User
from notifications import queueing, telegram
from notifications.models import TelegramEdit, TelegramMessage
from notifications.telegram import send
from orders import services
from orders.models import Courier, Order
from tests.fixtures import Clock
from tests.notifications.bot_api import BotApi
from tests.notifications.conftest import CHAT
from tests.samples import order_data

pytestmark = pytest.mark.django_db


def deliver_due() -> None:
    """Deliver the messages and the edits that are due, and nothing to the site."""
    for model in (TelegramMessage, TelegramEdit):
        for pk in list(model._default_manager.filter(state=State.PENDING).values_list("pk", flat=True)):
            deliver_one(model, pk)


@pytest.fixture
def clock(hold_clock: Clock, settings: Any) -> Clock:
    """Return a clock that the test advances. The hold period is switched off."""
    settings.STATUS_HOLD_SECONDS = 0
    return hold_clock


@pytest.fixture
def order(bot_api: BotApi, post_webhook: Any) -> Order:
    """Return a new order whose message has been delivered."""
    post_webhook("order.create", order_data())
    deliver_due()
    return Order.objects.get()


@pytest.fixture
def later(clock: Clock) -> Callable[..., None]:
    """Return a function that advances the clock, by default until an edit is due, and delivers what is due."""

    def deliver(seconds: float = 4) -> None:
        clock.let_pass(seconds)
        deliver_due()

    return deliver


def edits(bot_api: BotApi) -> int:
    return sum(method == "editMessageText" for method, _params in bot_api.requests)


def test_change_on_a_page_edits_the_buttons_and_the_text(
    clock: Clock, order: Order, bot_api: BotApi, manager: User, later: Callable[..., None]
) -> None:
    assert list(bot_api.messages[0].presses) == ["Accept"]
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    later()
    first, second = bot_api.messages
    assert list(first.presses) == list(second.presses) == ["Take it"]
    assert "📋 Принят" in first.text
    services.take_order(order_id=order.pk, actor=manager)
    later()
    later()
    assert [list(sent.presses) for sent in bot_api.messages] == [["Ready"], [], ["Ready"]]
    assert "💐 Taken: Данияр" in bot_api.messages[0].text


def test_only_the_first_and_the_newest_message_keep_the_buttons(
    clock: Clock, order: Order, bot_api: BotApi, manager: User, later: Callable[..., None]
) -> None:
    services.assign_courier(order_id=order.pk, courier=Courier.objects.create(name="Руслан"), actor=manager)
    for status in ("accepted", "delivering"):
        services.change_status(order_id=order.pk, status=status, actor=manager)
        for _edit in range(3):
            later()
    assert [list(sent.presses) for sent in bot_api.messages] == [["Delivered"], [], ["Delivered"]]
    services.change_status(order_id=order.pk, status="completed", actor=manager)
    for _edit in range(3):
        later()
    assert [list(sent.presses) for sent in bot_api.messages] == [[], [], [], []]
    done = edits(bot_api)
    services.change_status(order_id=order.pk, status="returned", actor=manager)
    for _edit in range(3):
        later()
    assert edits(bot_api) == done  # nothing has buttons any more


def test_changes_of_three_seconds_share_an_edit_and_messages_take_turns(
    clock: Clock, order: Order, bot_api: BotApi, manager: User, later: Callable[..., None]
) -> None:
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    services.take_order(order_id=order.pk, actor=manager)
    services.report_problem(order_id=order.pk, reason="нет пионов", actor=manager)
    deliver_due()
    assert (TelegramEdit.objects.count(), edits(bot_api)) == (1, 0)
    later()
    assert edits(bot_api) == 1

    services.solve_problem(order_id=order.pk, actor=manager)
    moments = sorted(TelegramEdit.objects.filter(state=State.PENDING).values_list("due_at", flat=True))
    assert len(moments) > 1
    gaps = {later - sooner for sooner, later in pairwise(moments)}
    assert gaps == {queueing.EDIT_DELAY}


def test_message_that_is_up_to_date_is_not_edited(
    clock: Clock, order: Order, bot_api: BotApi, manager: User, later: Callable[..., None]
) -> None:
    services.report_problem(order_id=order.pk, reason="нет пионов", actor=manager)
    later()
    edit = TelegramEdit.objects.get()
    assert (edit.state, edit.last_error) == (State.CANCELLED, "The message is up to date.")
    assert edits(bot_api) == 0


def test_step_that_can_be_undone_is_not_shown(order: Order, bot_api: BotApi, manager: User, hold_clock: Clock) -> None:
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    hold_clock.let_pass(9)
    services.assign_courier(order_id=order.pk, courier=Courier.objects.create(name="Руслан"), actor=manager)
    services.take_order(order_id=order.pk, actor=manager)  # it can be undone for longer than the edit waits
    hold_clock.let_pass(6)
    deliver_due()
    assert list(bot_api.messages[0].presses) == ["Accept"]
    hold_clock.let_pass(12)
    deliver_due()
    deliver_due()
    assert list(bot_api.messages[0].presses) == ["Ready"]


def test_undone_status_is_removed_from_a_message_that_showed_it(
    order: Order, bot_api: BotApi, manager: User, hold_clock: Clock
) -> None:
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    message = TelegramMessage.objects.filter(kind="new_order").get()
    TelegramMessage.objects.filter(pk=message.pk).update(presses="step:take", text="shows the new status")
    event = order.events.filter(kind="status").get()
    services.undo_status(order_id=order.pk, event_id=event.pk, actor=manager)
    hold_clock.let_pass(20)
    deliver_due()
    message.refresh_from_db()
    assert message.presses == "step:accept"


def test_rate_limit_postpones_messages_and_edits_of_the_chat(
    clock: Clock, order: Order, bot_api: BotApi, manager: User, later: Callable[..., None]
) -> None:
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    deliver_due()
    soon = timezone.now() + timedelta(seconds=10)
    TelegramMessage.objects.create(kind="alert", chat_id=CHAT, text="x", due_at=soon)
    bot_api.fail_for(CHAT, 429, "Too Many Requests: retry after 30", retry_after=30)
    later()
    waiting = [*TelegramEdit.objects.filter(state=State.PENDING), *TelegramMessage.objects.filter(state=State.PENDING)]
    assert len(waiting) == 2
    assert all(one.due_at > timezone.now() + timedelta(seconds=25) for one in waiting)
    assert edits(bot_api) == 1
    later(35)
    assert list(bot_api.messages[0].presses) == ["Take it"]


def test_message_that_was_deleted_in_telegram_needs_no_edit(
    clock: Clock, order: Order, bot_api: BotApi, manager: User, later: Callable[..., None]
) -> None:
    TelegramMessage.objects.update(telegram_message_id=777)
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    later()
    edit = TelegramEdit.objects.get()
    assert edit.state == State.CANCELLED
    assert "Message to edit not found" in edit.last_error


def test_change_during_the_sending_is_not_lost(
    clock: Clock, order: Order, bot_api: BotApi, manager: User, later: Callable[..., None], monkeypatch: Any
) -> None:
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    TelegramEdit.objects.all().delete()
    message = TelegramMessage.objects.get(kind="status")
    render = telegram.render

    def render_and_change(*args: Any, **extra: Any) -> Any:
        rendered = render(*args, **extra)
        services.take_order(order_id=order.pk, actor=manager)
        return rendered

    with monkeypatch.context() as patched:
        patched.setattr(telegram, "render", render_and_change)
        send(message)
    assert list(bot_api.messages[1].presses) == ["Take it"]
    later(8)
    assert [list(sent.presses) for sent in bot_api.messages] == [["Ready"], [], ["Ready"]]


@pytest.mark.parametrize("name", ["TELEGRAM_NOTIFICATIONS_ENABLED", "PUBLIC_URL"])
def test_nothing_is_queued_without_buttons(
    bot_api: BotApi, post_webhook: Any, manager: User, settings: Any, name: str
) -> None:
    setattr(settings, name, False if name.startswith("TELEGRAM") else "http://localhost:8001")
    post_webhook("order.create", order_data())
    deliver_due()
    services.change_status(order_id=Order.objects.get().pk, status="accepted", actor=manager)
    assert not TelegramEdit.objects.exists()
