"""What Telegram messages say about a customer. A message that was sent stays in its chat."""

import re
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from cvety_crm.outbox import LIVE, State
from notifications.models import TelegramEdit, TelegramEditAttempt, TelegramMessage, TelegramMessageAttempt
from orders.events import CustomerData

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def data_of(customer: CustomerData) -> dict[str, list[dict[str, Any]]]:
    """Return the messages about the customer's orders."""
    messages = _about(customer).order_by("created_at")
    columns = ("created_at", "kind", "chat_id", "order_id", "state", "text")
    return {"telegram_messages": [dict(row) for row in messages.values(*columns)]}


def erase(customer: CustomerData) -> None:
    """Remove the texts of messages about the customer's orders. Those that were not sent yet are not needed now."""
    messages = _about(customer)
    edits = TelegramEdit.objects.filter(message__in=messages)
    TelegramMessageAttempt.objects.filter(entry__in=messages).update(answer="")
    TelegramEditAttempt.objects.filter(entry__in=edits).update(answer="")
    for rows in (messages, edits):
        rows.filter(state__in=LIVE).update(state=State.CANCELLED, finished_at=timezone.now())
        rows.update(last_error="")
    messages.update(text="")


def _about(customer: CustomerData) -> QuerySet[TelegramMessage]:
    """Return the messages about the customer's orders, also alerts, which only link to the order."""
    orders = {str(key) for key in customer.orders}
    alerts = TelegramMessage.objects.filter(order=None).values_list("pk", "text")
    linked = [key for key, text in alerts.iterator() if orders & set(_UUID.findall(text))]
    return TelegramMessage.objects.filter(Q(order__in=customer.orders) | Q(pk__in=linked))
