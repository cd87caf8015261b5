"""Tests of buttons below messages: staff press them in Telegram, and the CRM does the step or says why not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import translation

from cvety_crm.outbox import DeliveryError, deliver_due
from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, Role
from cvety_crm.users import User
from notifications.models import TelegramMessage
from notifications.registration import register_url, webhook_secret
from notifications.rendering import render
from notifications.telegram import refresh
from orders import services
from orders.models import Courier, EventKind, Order, Source
from tests.fixtures import Clock
from tests.notifications.bot_api import BotApi
from tests.notifications.conftest import CHAT
from tests.roles import person
from tests.samples import order_data

pytestmark = pytest.mark.django_db

URL = "/webhooks/telegram"
Press = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run queued updates of messages at once, in the transaction of the test."""
    monkeypatch.setattr("notifications.presses.schedule_task", lambda _path, key, at: refresh(key))


@pytest.fixture
def order(bot_api: BotApi, post_webhook: Any) -> Order:
    """Return a new order whose message has been delivered."""
    post_webhook("order.create", order_data())
    deliver_due()
    return Order.objects.get()


@pytest.fixture
def press(client: Client, bot_api: BotApi) -> Press:
    """Return a function that presses a button of the first message, as Telegram reports it."""

    def _press(who: User | int, button: str = "", *, data: str | None = None) -> dict[str, Any]:
        sent = bot_api.messages[0]
        query = {
            "id": "4242",
            "from": {"id": who if isinstance(who, int) else who.telegram_id},
            "message": {"message_id": sent.message_id, "chat": {"id": int(sent.chat_id)}},
            "data": sent.presses[button] if data is None else data,
        }
        response = post(client, {"update_id": 1, "callback_query": query})
        assert response.status_code == 200
        reply = response.json()
        assert (reply.pop("method"), reply.pop("callback_query_id")) == ("answerCallbackQuery", "4242")
        return dict(reply)

    return _press


def post(client: Client, body: Any, secret: str | None = None) -> Any:
    content = body if isinstance(body, str) else json.dumps(body)
    secret = webhook_secret() if secret is None else secret
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
    return client.post(URL, content, content_type="application/json", headers=headers)


def known(role: Role, name: str, number: int) -> User:
    """Return a member of staff with this role whose account in Telegram the CRM knows."""
    user = person(role, name)
    user.first_name, user.telegram_id = name, number
    user.save()
    return user


@pytest.fixture
def boss(manager: User) -> User:
    """Return a superuser whose account in Telegram the CRM knows."""
    manager.telegram_id = 11
    manager.save()
    return manager


def head(bot_api: BotApi) -> str:
    """Return the text of the first message before the delivery date."""
    return bot_api.messages[0].text.split("🕐")[0]


def test_buttons_follow_the_steps_of_the_order(order: Order, press: Press, bot_api: BotApi, boss: User) -> None:
    courier = known(DISPATCHER, "Ержан", 12)
    florist = known(FLORIST, "Айдана", 13)
    assert list(bot_api.messages[0].presses) == ["Accept"]
    assert list(bot_api.messages[0].buttons) == ["Open the order", "On the map"]

    assert press(boss, "Accept") == {"text": "№ 122183: Accept", "show_alert": False}
    assert list(bot_api.messages[0].presses) == ["Take it"]
    assert press(florist, "Take it")["show_alert"] is False
    assert "💐 Taken: Айдана, " in head(bot_api)
    assert list(bot_api.messages[0].presses) == ["Ready"]
    press(florist, "Ready")
    assert " · Ready: " in head(bot_api)
    assert list(bot_api.messages[0].presses) == []  # a courier is chosen on the order's page

    order.refresh_from_db()
    assert (order.taken_by, order.ready_by, order.responsible) == (florist, florist, florist)
    assert set(order.events.filter(actor__isnull=False).values_list("source", flat=True)) == {Source.TELEGRAM}

    services.assign_courier(order_id=order.pk, courier=Courier.objects.create(name="Нурлан"), actor=boss)
    refresh(str(TelegramMessage.objects.order_by("created_at")[0].pk))
    press(courier, "Hand over for delivery")
    press(courier, "Delivered")
    order.refresh_from_db()
    assert order.status.stage == "done"
    assert bot_api.messages[0].presses == {}


def test_second_person_reads_who_was_first(order: Order, press: Press, boss: User) -> None:
    services.change_status(order_id=order.pk, status="accepted", actor=boss)
    first, second = known(FLORIST, "Данияр", 21), known(FLORIST, "Айдана", 22)
    press(first, data="step:take")
    reply = press(second, data="step:take")

    at = order.events.filter(kind=EventKind.TAKEN).get()
    assert reply == {"text": f"Taken already: {at.who_and_when}", "show_alert": True}
    assert at.who_and_when.startswith("Данияр, ")
    order.refresh_from_db()
    assert order.responsible == first


@pytest.mark.parametrize(
    ("status", "data", "text"),
    [
        ("new", "step:accept", "A manager does this."),
        ("accepted", "step:take", "A florist does this."),
        ("delivering", "step:delivered", "The one who delivers does this: a dispatcher or a manager."),
    ],
)
def test_person_without_the_right_reads_who_does_it(
    order: Order, press: Press, boss: User, status: str, data: str, text: str
) -> None:
    for code in {"new": [], "accepted": ["accepted"], "delivering": ["accepted", "delivering"]}[status]:
        services.change_status(order_id=order.pk, status=code, actor=boss)
    who = known(DISPATCHER if status == "accepted" else FLORIST, "Айдана", 31)
    before = order.events.count()

    assert press(who, data=data) == {"text": text, "show_alert": True}
    order.refresh_from_db()
    assert (order.status_id, order.taken_at, order.events.count()) == (status, None, before)


@pytest.mark.parametrize("rights", [[], ["make_order", "change_order_status"]])
def test_person_who_may_not_see_orders_changes_nothing(
    order: Order, press: Press, boss: User, hold_clock: Clock, rights: list[str]
) -> None:
    press(boss, "Accept")
    stranger = User.objects.create_user("stranger", telegram_id=61, is_staff=True)
    stranger.user_permissions.set(Permission.objects.filter(codename__in=rights))
    undo = str(order.events.filter(kind=EventKind.STATUS).get().pk)
    for data in ("step:take", f"undo:{undo}"):
        assert press(stranger, data=data)["text"] == "Your role in the CRM does not allow this."
    order.refresh_from_db()
    assert (order.status_id, order.taken_at) == ("accepted", None)


def test_accountant_may_not_undo(order: Order, press: Press, bot_api: BotApi, boss: User, hold_clock: Clock) -> None:
    press(boss, "Accept")
    assert press(known(ACCOUNTANT, "Сауле", 62), "Undo")["text"] == "Your role in the CRM does not allow this."
    order.refresh_from_db()
    assert order.status_id == "accepted"


def test_bouquet_of_another_florist_is_left_to_this_florist(order: Order, press: Press, boss: User) -> None:
    services.change_status(order_id=order.pk, status="accepted", actor=boss)
    press(known(FLORIST, "Айдана", 41), data="step:take")
    other = known(FLORIST, "Мадина", 42)

    assert press(other, data="step:ready")["text"] == "The florist of this order does this: Айдана."
    order.refresh_from_db()
    assert order.ready_at is None


@pytest.mark.parametrize("who", ["unknown", "dismissed"])
def test_stranger_changes_nothing(order: Order, press: Press, boss: User, who: str) -> None:
    if who == "dismissed":
        boss.is_active = False
        boss.save()
    reply = press(boss if who == "dismissed" else 999, "Accept")

    assert reply["text"].startswith("The CRM does not know you.")
    assert str(11 if who == "dismissed" else 999) in reply["text"]
    order.refresh_from_db()
    assert order.status_id == "new"


@pytest.mark.parametrize("secret", ["", "wrong"])
def test_request_without_the_secret_is_refused(client: Client, order: Order, boss: User, secret: str) -> None:
    query = {"id": "1", "from": {"id": 11}, "message": {"message_id": 1, "chat": {"id": CHAT}}, "data": "step:accept"}
    assert post(client, {"callback_query": query}, secret).status_code == 403
    order.refresh_from_db()
    assert order.status_id == "new"


def test_get_request_is_refused(client: Client, bot_api: BotApi) -> None:
    assert client.get(URL).status_code == 405


@pytest.mark.parametrize("body", ["", "[]", "null", "{", '{"message": {}}', '{"callback_query": {}}', "[" * 9999])
def test_update_that_is_no_press_is_accepted(client: Client, bot_api: BotApi, body: str) -> None:
    response = post(client, body)
    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.parametrize("data", ["step:courier", "step:", "undo:", "undo:x", "other", "step:nothing"])
def test_press_that_names_no_step_changes_nothing(order: Order, press: Press, boss: User, data: str) -> None:
    before = order.events.count()
    assert press(boss, data=data)["show_alert"] is True
    assert order.events.count() == before


def test_press_is_undone_in_telegram_within_the_hold_period(
    order: Order, press: Press, bot_api: BotApi, boss: User, hold_clock: Clock
) -> None:
    press(boss, "Accept")
    assert list(bot_api.messages[0].presses) == ["Take it", "Undo"]
    assert press(boss, "Undo") == {"text": "Order № 122183 is “Новый” again.", "show_alert": False}
    order.refresh_from_db()
    assert order.status_id == "new"
    assert list(bot_api.messages[0].presses) == ["Accept"]

    press(boss, "Accept")
    undo = bot_api.messages[0].presses["Undo"]
    hold_clock.let_pass(11)
    assert "Too late" in press(boss, data=undo)["text"]
    assert list(bot_api.messages[0].presses) == ["Take it"]


def test_other_messages_leave_out_a_fact_that_can_be_undone(
    order: Order, press: Press, bot_api: BotApi, boss: User, hold_clock: Clock
) -> None:
    services.change_status(order_id=order.pk, status="accepted", actor=boss)
    hold_clock.let_pass(12)
    press(boss, data="step:take")
    message = TelegramMessage.objects.order_by("created_at")[0]
    assert "Taken" in head(bot_api)
    assert "Taken" not in render(message).text
    hold_clock.let_pass(12)
    assert "Taken" in render(message).text


def test_message_that_is_already_up_to_date_is_no_failure(order: Order, bot_api: BotApi) -> None:
    message = TelegramMessage.objects.get()
    refresh(str(message.pk))
    assert [method for method, _params in bot_api.requests] == ["sendMessage", "editMessageText"]


def test_url_is_registered_once_an_hour(bot_api: BotApi) -> None:
    register_url()
    register_url()
    assert [method for method, _params in bot_api.requests] == ["setWebhook"]
    assert bot_api.webhook["url"] == "https://crm.example.kz" + URL
    assert bot_api.webhook["secret_token"] == webhook_secret()
    assert json.loads(bot_api.webhook["allowed_updates"]) == ["callback_query"]


def test_registration_is_repeated_after_a_failure(bot_api: BotApi) -> None:
    bot_api.fail(502, "Bad Gateway")
    with pytest.raises(DeliveryError):
        register_url()
    register_url()
    assert bot_api.webhook


def test_buttons_need_a_public_address(bot_api: BotApi, settings: Any, post_webhook: Any) -> None:
    settings.PUBLIC_URL = "http://localhost:8001"
    post_webhook("order.create", order_data())
    deliver_due()
    register_url()
    assert bot_api.messages[0].presses == {}
    assert bot_api.webhook == {}


def test_texts_of_buttons_are_russian(order: Order, press: Press, bot_api: BotApi, boss: User) -> None:
    with translation.override("ru"):
        refresh(str(TelegramMessage.objects.get().pk))
        press(boss, "Принять")
        press(boss, "Взять себе")
        assert "💐 Взято: Данияр, " in head(bot_api)
        assert press(boss, data="step:take")["text"].startswith("Уже взято: Данияр, ")
        press(boss, "Готов")
        assert " · Готово: " in head(bot_api)
