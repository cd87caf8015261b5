"""Tests of queueing messages: which chats receive which messages, and the number of queries."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cvety_crm.alerts import Alert, raise_alert
from cvety_crm.outbox import State
from cvety_crm.users import User
from notifications.models import TelegramChat, TelegramMessage
from notifications.rendering import preview
from orders.models import Order, Source
from orders.services import apply_snapshot, change_status, edit_order
from orders.sync.snapshot import OrderSnapshot
from tests.notifications.bot_api import BotApi
from tests.notifications.conftest import CHAT
from tests.samples import order_data

pytestmark = pytest.mark.django_db

Kind = TelegramMessage.Kind
DISABLED = "Telegram notifications are switched off (TELEGRAM_NOTIFICATIONS_ENABLED)."


def queued() -> list[tuple[str, str, str]]:
    """Return the kind, the chat and the state of all messages, oldest first."""
    rows = TelegramMessage.objects.order_by("created_at", "chat_id")
    return list(rows.values_list("kind", "chat_id", "state"))


def test_new_order_queues_a_message(bot_api: BotApi, post_webhook: Any) -> None:
    post_webhook("order.create", order_data())

    message = TelegramMessage.objects.get()
    assert (message.kind, message.chat_id, message.state) == (Kind.NEW_ORDER, CHAT, State.PENDING)
    assert message.order == Order.objects.get()
    assert message.event == Order.objects.get().events.get()
    assert "Букет Стандарт" in preview(message)
    assert bot_api.requests == []


def test_repeated_event_queues_no_second_message(bot_api: BotApi, post_webhook: Any) -> None:
    post_webhook("order.create", order_data())
    post_webhook("order.create", order_data())

    assert len(queued()) == 1


def test_status_changes_by_site_and_manager_queue_one_message_each(
    bot_api: BotApi, post_webhook: Any, manager: User
) -> None:
    post_webhook("order.create", order_data())
    post_webhook("order.update", order_data(STATUS_ID="AP", VERSION="2"))
    change_status(order_id=Order.objects.get().pk, status="delivering", actor=manager)

    messages = TelegramMessage.objects.order_by("created_at")
    assert [message.kind for message in messages] == [Kind.NEW_ORDER, Kind.STATUS, Kind.STATUS]
    assert "<b>Новый → Принят</b>" in preview(messages[1])
    assert "· from the site" in preview(messages[1])
    assert "<b>Принят → Доставляется</b> · Данияр, " in preview(messages[2])
    assert "· from the CRM" in preview(messages[2])


def test_cancellation_without_a_status_and_its_withdrawal_queue_messages(bot_api: BotApi, post_webhook: Any) -> None:
    post_webhook("order.create", order_data())
    post_webhook("order.update", order_data(CANCELED="Y", VERSION="2"))
    post_webhook("order.update", order_data(CANCELED="N", VERSION="3"))

    new, cancelled, withdrawn = TelegramMessage.objects.order_by("created_at")
    assert [message.kind for message in (new, cancelled, withdrawn)] == [Kind.NEW_ORDER, Kind.STATUS, Kind.STATUS]
    assert "\n<b>Order cancelled</b> · " in preview(cancelled)
    assert "\n<b>Cancellation withdrawn</b> · " in preview(withdrawn)


def test_echo_of_our_own_push_queues_no_message(bot_api: BotApi, post_webhook: Any, manager: User) -> None:
    post_webhook("order.create", order_data())
    change_status(order_id=Order.objects.get().pk, status="accepted", actor=manager)
    post_webhook("order.update", order_data(STATUS_ID="AP", VERSION="2"))

    assert [kind for kind, _, _ in queued()] == [Kind.NEW_ORDER, Kind.STATUS]


def test_changes_of_other_fields_queue_no_message(bot_api: BotApi, post_webhook: Any, manager: User) -> None:
    post_webhook("order.create", order_data())
    edit_order(order_id=Order.objects.get().pk, changes={"comment": "другое"}, actor=manager)
    post_webhook("order.update", order_data(PRICE="9500", VERSION="2"))
    post_webhook("order.delete", {"ID": "122183"})

    assert len(queued()) == 1


def test_imported_orders_queue_no_message(bot_api: BotApi) -> None:
    for version, status in ((1, "N"), (2, "AP")):
        snapshot = OrderSnapshot(bitrix_order_id=5, version=version, fields={"status": status})
        apply_snapshot(snapshot=snapshot, source=Source.IMPORT)

    assert queued() == []


def test_message_about_a_stub_is_delayed(bot_api: BotApi, post_webhook: Any) -> None:
    post_webhook("order.status.change", {"ID": "5", "STATUS_ID": "AP"})

    message = TelegramMessage.objects.get()
    assert message.state == State.PENDING
    assert (message.due_at - timezone.now()).total_seconds() > 100


@pytest.mark.parametrize(
    ("default", "rows", "new_order_chats", "status_chats"),
    [
        (CHAT, [], [CHAT], [CHAT]),
        (CHAT, [{"chat_id": "-1"}], [CHAT, "-1"], [CHAT, "-1"]),
        (CHAT, [{"chat_id": CHAT}], [CHAT], [CHAT]),
        (CHAT, [{"chat_id": CHAT, "wants_status_changes": False}], [CHAT], []),
        (CHAT, [{"chat_id": CHAT, "is_active": False}, {"chat_id": "-1"}], ["-1"], ["-1"]),
        (CHAT, [{"chat_id": "-1", "wants_new_orders": False}], [CHAT], [CHAT, "-1"]),
        (CHAT, [{"chat_id": "-2", "former_chat_id": CHAT}], ["-2"], ["-2"]),
        ("", [{"chat_id": "-1"}, {"chat_id": "-2"}], ["-1", "-2"], ["-1", "-2"]),
        ("", [{"chat_id": "-1", "is_active": False}], [], []),
    ],
)
def test_messages_are_queued_for_the_chats_that_receive_their_kind(
    bot_api: BotApi,
    settings: Any,
    post_webhook: Any,
    default: str,
    rows: list[dict[str, Any]],
    new_order_chats: list[str],
    status_chats: list[str],
) -> None:
    settings.TELEGRAM_CHAT_ID = default
    for row in rows:
        TelegramChat.objects.create(**row)
    post_webhook("order.create", order_data())
    post_webhook("order.update", order_data(STATUS_ID="AP", VERSION="2"))

    messages = queued()
    assert {state for _, _, state in messages} <= {State.PENDING}
    assert sorted(chat for kind, chat, _ in messages if kind == Kind.NEW_ORDER) == sorted(new_order_chats)
    assert sorted(chat for kind, chat, _ in messages if kind == Kind.STATUS) == sorted(status_chats)


@pytest.mark.parametrize(
    ("changes", "chat", "reason"),
    [
        ({"TELEGRAM_NOTIFICATIONS_ENABLED": False}, CHAT, DISABLED),
        ({"TELEGRAM_BOT_TOKEN": ""}, CHAT, "Telegram has no bot: TELEGRAM_BOT_TOKEN is not set."),
        (
            {"TELEGRAM_CHAT_ID": "", "TELEGRAM_ALERT_CHAT_ID": ""},
            "",
            "There is no Telegram chat to write to: set TELEGRAM_CHAT_ID or add a chat.",
        ),
    ],
)
def test_message_is_stored_as_cancelled_when_telegram_is_disabled_or_has_no_chat(
    bot_api: BotApi,
    settings: Any,
    post_webhook: Any,
    django_capture_on_commit_callbacks: Any,
    changes: dict[str, Any],
    chat: str,
    reason: str,
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    with django_capture_on_commit_callbacks() as after_commit:
        post_webhook("order.create", order_data())
        raise_alert(Alert("something"))

    assert after_commit == []
    assert queued() == [(Kind.NEW_ORDER, chat, State.CANCELLED), (Kind.ALERT, chat, State.CANCELLED)]
    for message in TelegramMessage.objects.all():
        assert message.last_error == reason
        assert message.finished_at is not None
        assert preview(message)


def test_alert_is_queued_for_the_alert_chat(bot_api: BotApi, settings: Any) -> None:
    settings.TELEGRAM_ALERT_CHAT_ID = "-7"
    raise_alert(Alert("Push № 5: <given up>", "the site is down"))

    message = TelegramMessage.objects.get()
    assert (message.kind, message.chat_id, message.order, message.state) == (Kind.ALERT, "-7", None, State.PENDING)
    assert message.text == "⚠️ <b>Push № 5: &lt;given up&gt;</b>\nthe site is down"


def test_a_rolled_back_change_leaves_no_message(bot_api: BotApi, post_webhook: Any, monkeypatch: Any) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise ValueError("made up")

    monkeypatch.setattr("bitrix_bridge.inbound.inbox.set_result", fail)
    post_webhook("order.create", order_data())

    assert queued() == []


def basket(count: int, first: int = 1) -> list[dict[str, str]]:
    """Return this number of different rows of the site's basket."""
    return [
        {"ID": f"{number}", "PRODUCT_ID": f"{1000 + number}", "NAME": f"Роза {number}", "QUANTITY": "2", "PRICE": "700"}
        for number in range(first, first + count)
    ]


@pytest.mark.parametrize("items", [1, 40])
@pytest.mark.parametrize("chats", [0, 5])
def test_queueing_costs_the_webhook_two_queries(
    bot_api: BotApi, settings: Any, post_webhook: Any, django_capture_on_commit_callbacks: Any, items: int, chats: int
) -> None:
    for number in range(chats):
        TelegramChat.objects.create(chat_id=str(number))
    post_webhook("order.create", order_data(basket=basket(items)))
    with (
        CaptureQueriesContext(
            connection,
        ) as update,
        django_capture_on_commit_callbacks(execute=True),
    ):
        answer = post_webhook(
            "order.update",
            order_data(
                STATUS_ID="AP",
                VERSION="2",
                basket=basket(items, first=2),
                USER_DESCRIPTION="x",
                PRICE="8000",
                user={"ID": "1079", "NAME": "Айгерим С.", "PERSONAL_PHONE": "+7 777 123 45 67"},
                properties={"name": "Айгерим С.", "postcardText": "y", "data": "2025-08-26"},
            ),
        )

    assert answer.json()["action"] == "updated"
    ours = [query["sql"] for query in update if "telegram" in query["sql"].split("VALUES")[0]]
    assert len(ours) == 2
    assert sum("django_q_ormq" in query["sql"] for query in update) == 1
    assert len(update) <= 17
