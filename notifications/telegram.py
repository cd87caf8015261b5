"""The delivery of messages with Telegram's Bot API (https://core.telegram.org/bots/api) and python-telegram-bot."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from cvety_crm.masking import mask
from cvety_crm.outbox import (
    Delivered,
    Deliverer,
    DeliveryError,
    MisconfiguredError,
    NoLongerNeededError,
    NotDueError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
    UnreachableError,
    register_deliverer,
)
from notifications import recipients
from notifications.links import Button
from notifications.markup import fit
from notifications.models import TelegramMessage
from notifications.queueing import queue_edits
from notifications.rendering import Rendered, render
from orders import services
from orders.models import Order, OrderEvent

# This setting enables the future type of `retry_after` in the library. Without the setting, each use of `retry_after`
# causes a deprecation warning.
os.environ.setdefault("PTB_TIMEDELTA", "true")

T = TypeVar("T")

MOST_FILE_BYTES = 50 * 1000 * 1000
"""The size of the largest file that a bot may send (https://core.telegram.org/bots/api#senddocument)."""
MOST_CAPTION = 1024
"""The maximum length of the caption of a file, in UTF-16 code units."""
FILE_SECONDS = 30.0
"""The time limit for sending a file, which is shorter than a lease of the outbox."""

_CHAT_IDS_TRIED = 2
"""The number of chat ids that are tried for one message. Telegram reports the new id if a group is now a supergroup."""


def register() -> None:
    """Register the deliverer of messages."""
    register_deliverer(TelegramMessage._meta.label, Deliverer(send))


def send(message: TelegramMessage) -> Delivered:
    """Render the message and send it. Raise `DeliveryError`, `NoLongerNeededError` or `NotDueError`.

    A message is not sent again if a worker stored the message's Telegram id and then died. A message is sent again if
    Telegram's response was lost, because a duplicate is better than a missing message.
    """
    if message.telegram_message_id is not None:
        return _delivered(message.telegram_message_id)
    if reason := recipients.disabled_reason():
        raise NoLongerNeededError(reason)
    chat_id = message.chat_id or recipients.default_chat(message.kind)
    if not chat_id:
        raise NoLongerNeededError(recipients.no_chat_reason())
    if recipients.is_deactivated(chat_id):
        raise NoLongerNeededError(gettext("This chat no longer receives messages."))
    _check_hold_period(message)

    changed_at = _changed_at(message)
    rendered = render(message)
    message.text, message.chat_id = rendered.text, chat_id
    _update(message, text=rendered.text, chat_id=chat_id)
    message_id = _send_to_current_chat(message, _keyboard(rendered.buttons))
    # The id is stored at once, because the worker may die before it records the outcome.
    _update(message, telegram_message_id=message_id, presses=rendered.presses)
    if rendered.presses and message.order is not None and _changed_at(message) != changed_at:
        # The change did not find the message among those that were sent.
        with transaction.atomic():
            queue_edits(message.order)
    return _delivered(message_id)


def _changed_at(message: TelegramMessage) -> datetime | None:
    if message.order_id is None:
        return None
    return Order.objects.filter(pk=message.order_id).values_list("updated_at", flat=True).first()


def _check_hold_period(message: TelegramMessage) -> None:
    """Raise `NotDueError` if the status is in its hold period, or `NoLongerNeededError` if it was undone."""
    if message.kind != TelegramMessage.Kind.STATUS or message.order_id is None or message.event_id is None:
        return
    try:
        due_at = services.release_status(order_id=message.order_id, event_id=message.event_id)
    except OrderEvent.DoesNotExist:
        raise NoLongerNeededError(gettext("The status was undone.")) from None
    if due_at is not None:
        raise NotDueError(gettext("The status can still be undone."), due_at=due_at)


def _delivered(message_id: int) -> Delivered:
    return Delivered(code="200", answer=f"message_id {message_id}")


def _update(message: TelegramMessage, **columns: str | int) -> None:
    TelegramMessage.objects.filter(pk=message.pk).update(**columns)


def _send_to_current_chat(message: TelegramMessage, keyboard: InlineKeyboardMarkup | None) -> int:
    async def send_message(bot: Bot, chat_id: str) -> int:
        sent = await bot.send_message(
            chat_id,
            message.text,
            parse_mode=ParseMode.HTML,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
            reply_markup=keyboard,
        )
        return sent.message_id

    return _to_current_chat(message.chat_id, send_message, settings.OUTBOX_TIMEOUT)


def _to_current_chat(chat_id: str, send: Callable[[Bot, str], Awaitable[int]], seconds: float) -> int:
    """Call `send` for the chat, and again if Telegram reports a new id of the chat. Return the id of the message."""
    deadline = time.monotonic() + seconds
    for _attempt in range(_CHAT_IDS_TRIED):
        try:
            return asyncio.run(_call(send, chat_id, deadline - time.monotonic()))
        except ChatMigrated as moved:
            recipients.move_chat(chat_id, str(moved.new_chat_id))
            chat_id = str(moved.new_chat_id)
        except (TelegramError, TimeoutError) as error:
            failure = _failure(error)
            if isinstance(failure, TemporaryDeliveryError) and failure.retry_after is not None:
                recipients.postpone_messages(chat_id, failure.retry_after)
            raise failure from None  # the chained error contains the URL, and the URL contains the token
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _unreadable(error) from None
    raise TemporaryDeliveryError(gettext("Telegram keeps moving this chat to another id."))


async def _call(send: Callable[[Bot, str], Awaitable[int]], chat_id: str, timeout: float) -> int:
    limit = max(timeout, 0.1)
    async with _request(limit) as request, asyncio.timeout(limit):
        return await send(_bot(request), chat_id)


def refresh(message_id: str) -> None:
    """Replace the text and the buttons of a message that was sent by those of the order as it is now.

    Steps in their hold period are included, because the user who has just pressed a button must see the result. Raise
    `DeliveryError` on failure.
    """
    message = TelegramMessage.objects.filter(pk=message_id, telegram_message_id__isnull=False).first()
    if message is None or message.order_id is None or recipients.disabled_reason():
        return
    replace_content(message, render(message, with_held=True))


def replace_content(message: TelegramMessage, rendered: Rendered) -> None:
    """Replace the text and the buttons of a message that was sent. Raise `DeliveryError` on failure."""
    chat_id, number = message.chat_id, message.telegram_message_id

    async def edit(bot: Bot) -> None:
        try:
            await bot.edit_message_text(
                rendered.text,
                chat_id=chat_id,
                message_id=number,
                parse_mode=ParseMode.HTML,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                reply_markup=_keyboard(rendered.buttons),
            )
        except BadRequest as error:
            if "message is not modified" not in str(error).lower():
                raise

    _run(edit, settings.OUTBOX_TIMEOUT)
    _update(message, text=rendered.text, presses=rendered.presses)


def send_file(
    chat_id: str, *, title: str, text: str, file_name: str, content: bytes, content_type: str, key: str
) -> str:
    """Send a file to a chat with a caption, and return the id of the message in Telegram.

    The caption is the text, cut to what Telegram accepts. Raise `NoLongerNeededError` if Telegram is switched off or
    the chat no longer receives messages, and `DeliveryError` on failure.
    """
    if reason := recipients.disabled_reason():
        raise NoLongerNeededError(reason)
    if len(content) > MOST_FILE_BYTES:
        raise PermanentDeliveryError(
            gettext("The file is too large for Telegram: %(size)s MB, the limit is %(limit)s MB.")
            % {"size": -(-len(content) // 2**20), "limit": MOST_FILE_BYTES // 2**20}
        )
    current = recipients.current_chat(chat_id)
    if recipients.is_deactivated(current):
        raise NoLongerNeededError(gettext("This chat no longer receives messages."))

    async def send_document(bot: Bot, to: str) -> int:
        sent = await bot.send_document(
            to,
            InputFile(content, filename=file_name),
            caption=fit(text, MOST_CAPTION),
            parse_mode=ParseMode.HTML,
        )
        return sent.message_id

    return f"message_id {_to_current_chat(current, send_document, FILE_SECONDS)}"


def receive_presses(url: str, secret: str) -> None:
    """Request that Telegram reports the presses of buttons to this URL. Raise `DeliveryError` on failure."""

    async def register(bot: Bot) -> None:
        await bot.set_webhook(url, secret_token=secret, allowed_updates=["callback_query"])

    _run(register, settings.OUTBOX_TIMEOUT)


def bot_name(timeout: float) -> str:
    """Request the username of the CRM's bot from Telegram, and return it.

    Raise `DeliveryError` on failure or after `timeout` seconds.
    """

    async def ask(bot: Bot) -> str:
        return (await bot.get_me()).username or ""

    return _run(ask, timeout)


def _run(ask: Callable[[Bot], Awaitable[T]], timeout: float) -> T:
    async def call() -> T:
        async with _request(timeout) as request, asyncio.timeout(timeout):
            return await ask(_bot(request))

    try:
        return asyncio.run(call())
    except (TelegramError, TimeoutError) as error:
        raise _failure(error) from None  # the chained error contains the URL, and the URL contains the token
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(error) from None


def _request(limit: float) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=1,
        connect_timeout=limit,
        read_timeout=limit,
        write_timeout=limit,
        media_write_timeout=limit,
        pool_timeout=limit,
    )


def _bot(request: HTTPXRequest) -> Bot:
    # One request object serves both uses, because each object builds its own TLS context.
    return Bot(
        settings.TELEGRAM_BOT_TOKEN,
        base_url=f"{settings.TELEGRAM_BASE_URL}/bot",
        request=request,
        get_updates_request=request,
    )


def _unreadable(error: Exception) -> TemporaryDeliveryError:
    return TemporaryDeliveryError(
        gettext("Telegram's answer could not be read."), answer=mask(f"{type(error).__name__}: {error}")
    )


def _keyboard(buttons: tuple[Button, ...]) -> InlineKeyboardMarkup | None:
    presses = [InlineKeyboardButton(button.title, callback_data=button.press) for button in buttons if button.press]
    links = [InlineKeyboardButton(button.title, url=button.url) for button in buttons if button.url]
    rows = [row for row in (presses, links) if row]
    return InlineKeyboardMarkup(rows) if rows else None


def _failure(error: TelegramError | TimeoutError) -> DeliveryError:
    """Return the delivery error for an error of the library, which has a class for each status code."""
    answer = mask(str(error))
    match error:
        case RetryAfter():
            delay = error.retry_after
            seconds = delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
            return TemporaryDeliveryError(
                gettext("Telegram requests a delay: too many messages."), code="429", answer=answer, retry_after=seconds
            )
        case InvalidToken():
            return MisconfiguredError(
                gettext("Telegram does not know this bot: check TELEGRAM_BOT_TOKEN and TELEGRAM_BASE_URL."),
                code="401",
                answer=answer,
            )
        case Forbidden():
            return PermanentDeliveryError(
                gettext("The bot may not write to this chat: it was removed from it, or blocked."),
                code="403",
                answer=answer,
            )
        case BadRequest() if "chat not found" in answer.lower():
            return PermanentDeliveryError(
                gettext("The chat does not exist in Telegram, or the bot was not added to it."),
                code="400",
                answer=answer,
            )
        case BadRequest():
            return PermanentDeliveryError(
                gettext("Telegram refused the message: %(answer)s") % {"answer": answer}, code="400", answer=answer
            )
        case TimedOut() | TimeoutError():
            return UnreachableError(gettext("Telegram did not answer in time."), answer=answer)
        case NetworkError() if error.__cause__ is not None:  # an error of the connection, not an answer
            return UnreachableError(gettext("Telegram could not be reached."), answer=answer)
        case _:
            return TemporaryDeliveryError(gettext("Telegram could not be reached."), answer=answer)
