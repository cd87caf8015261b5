"""The record of messages that staff have opened in WhatsApp or copied."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import Addressee, Customer, EventKind, MessageTemplate, OrderEvent, Source
from orders.models.customer import MESSAGE_LANGUAGE
from orders.models.message import MessageChannel
from orders.services.locking import lock_order
from orders.services.timeline import write_event
from orders.timeline_payloads import MessageSent
from orders.values.languages import Language

SAME_TAP = timedelta(minutes=1)
"""The time during which another tap on the same message counts as the same one."""


@transaction.atomic
def record_message(
    *,
    order_id: UUID,
    template_id: UUID,
    language: str,
    channel: str,
    actor: User | None,
    source: Source = Source.ADMIN,
) -> OrderEvent:
    """Write a timeline entry for a message, and remember the customer's language. Return the entry.

    Whether the template still fits the order is not checked: the message has been sent already. The order does not
    change, so the entry is not published. Raise `Order.DoesNotExist` if there is no such order, and `NotAllowedError`
    if there is no such template, language or channel.
    """
    if language not in Language.values or channel not in MessageChannel.values:
        raise NotAllowedError(gettext("Open the page again: the message can't be recorded."))
    order = lock_order(order_id)
    template = MessageTemplate.objects.filter(pk=template_id).first()
    if template is None:
        raise NotAllowedError(gettext("This message template has been deleted. Open the page again."))
    payload = MessageSent(
        template_id=str(template.pk),
        template=template.name,
        addressee=template.addressee,
        language=language,
        channel=channel,
    )
    if template.addressee == Addressee.CUSTOMER and order.customer_id is not None:
        _remember_language(order.customer_id, language)
    earlier = OrderEvent.objects.filter(
        order=order,
        kind=EventKind.MESSAGE,
        actor=actor,
        details=payload.to_json(),
        happened_at__gt=timezone.now() - SAME_TAP,
    )
    return earlier.first() or write_event(order=order, payload=payload, source=source, actor=actor)


def _remember_language(customer_id: UUID, language: str) -> None:
    customer = Customer.objects.select_for_update(no_key=True).only("preferences").get(pk=customer_id)
    known = customer.preferences if isinstance(customer.preferences, dict) else {}
    if known.get(MESSAGE_LANGUAGE) != language:
        customer.preferences = {**known, MESSAGE_LANGUAGE: language}
        customer.save(update_fields=["preferences", "updated_at"])
