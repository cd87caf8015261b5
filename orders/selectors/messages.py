"""Queries about messages: the templates for an order, and the messages that were sent about it."""

from collections.abc import Mapping
from uuid import UUID

from orders.models import Addressee, EventKind, MessageTemplate, Order, OrderEvent, Purpose
from orders.models.customer import MESSAGE_LANGUAGE
from orders.presentation.messages import fits, person_language
from orders.timeline_payloads import MessageSent
from orders.values.languages import Language

_MOST_SENT = 50
"""The number of messages about an order that are read, the latest first."""


def templates_for(order: Order) -> list[MessageTemplate]:
    """Return the active templates that fit the order, with one query. The shop has some dozens of templates."""
    found = MessageTemplate.objects.filter(is_active=True, purpose=Purpose.ORDER)
    return [template for template in found if fits(template, order)]


def reminders() -> list[MessageTemplate]:
    """Return the active templates that remind a customer of the shop, with one query."""
    return list(MessageTemplate.objects.filter(is_active=True, purpose=Purpose.CALL))


def sent_messages(order_id: UUID) -> list[tuple[MessageSent, OrderEvent]]:
    """Return the latest messages about the order, newest first, with one query."""
    events = OrderEvent.objects.filter(order=order_id, kind=EventKind.MESSAGE).select_related("actor")
    return [(MessageSent.from_json(event.details), event) for event in events[:_MOST_SENT]]


def language_for(order: Order, addressee: Addressee, sent: list[tuple[MessageSent, OrderEvent]]) -> Language:
    """Return the language in which the person was last written to, or the one in which the person has written.

    The customer's language is remembered for all orders. `sent` are the messages about this order.
    """
    known = ""
    if addressee == Addressee.CUSTOMER and order.customer is not None:
        preferences = order.customer.preferences
        known = str(preferences.get(MESSAGE_LANGUAGE, "")) if isinstance(preferences, Mapping) else ""
    last = next((payload.language for payload, _event in sent if payload.addressee == addressee), "")
    found = next((one for one in (known, last) if one in Language.values), None)
    return Language(found) if found else person_language(order, addressee)
