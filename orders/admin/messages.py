"""The messages to the customer and to the recipient, on the order's page and in the dialog of a row."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from cvety_crm.users import AnyUser
from orders.admin.courier_texts import LONGEST_LINK
from orders.models import Addressee, MessageTemplate, Order, OrderEvent
from orders.models.message import MessageChannel
from orders.presentation.contacts import contact_of
from orders.presentation.links import whatsapp_url
from orders.presentation.messages import has_prices, is_sum_missing, message_text, person_name
from orders.presentation.phones import phone_words
from orders.rules.visibility import may_see_phones, may_see_prices
from orders.selectors.messages import language_for, reminders, sent_messages, templates_for
from orders.timeline_payloads import MessageSent
from orders.values.languages import Language
from orders.values.phones import is_number

_Sent = list[tuple[MessageSent, OrderEvent]]


def message_panel(order: Order, user: AnyUser) -> dict[str, Any] | None:
    """Return the context of `orders/page/messages.html`, or None for a user who may not see phones. Make two queries.

    The order needs `select_related` of its customer, status, slot, city, shop and courier, or it makes more queries. A
    message with sums is not offered to a user who may not see them.
    """
    if not may_see_phones(user):
        return None
    sees_prices = may_see_prices(user, order.delivery_date)
    templates = [one for one in templates_for(order) if sees_prices or not has_prices(one)]
    sent = sent_messages(order.pk)
    groups = [_group(order, addressee, templates, sent) for addressee in Addressee]
    return {
        "groups": [group for group in groups if group["rows"]],
        "is_surprise": order.is_surprise,
        "templates_url": _templates_url(user),
    }


def reminder_panel(order: Order, user: AnyUser) -> dict[str, Any] | None:
    """Return the context of `orders/page/messages.html` with the reminders to the customer, as `message_panel` does."""
    if not may_see_phones(user):
        return None
    sees_prices = may_see_prices(user, order.delivery_date)
    templates = [one for one in reminders() if sees_prices or not has_prices(one)]
    group = _group(order, Addressee.CUSTOMER, templates, sent_messages(order.pk))
    return {"groups": [group] if group["rows"] else [], "is_surprise": False, "templates_url": _templates_url(user)}


def sent_text(payload: MessageSent, event: OrderEvent) -> str:
    """Return a text such as `sent in WhatsApp: Daniyar, 11:42`."""
    is_copy = payload.channel == MessageChannel.COPY
    text = gettext("copied: %(who)s") if is_copy else gettext("sent in WhatsApp: %(who)s")
    return text % {"who": event.who_and_when}


def _group(order: Order, addressee: Addressee, templates: Sequence[MessageTemplate], sent: _Sent) -> dict[str, Any]:
    phone = _phone(order, addressee)
    language = language_for(order, addressee, sent)
    rows = [_row(order, one, phone, language, sent) for one in templates if one.addressee == addressee]
    is_customer = addressee == Addressee.CUSTOMER
    return {
        "addressee": addressee.value,
        "title": gettext("To the customer") if is_customer else gettext("To the recipient"),
        "name": person_name(order, addressee),
        "phone": phone_words(phone),
        "has_number": is_number(phone),
        "languages": [(one.value, _short(one), one == language) for one in Language],
        "rows": [row for row in rows if row is not None],
    }


def _row(order: Order, template: MessageTemplate, phone: str, chosen: Language, sent: _Sent) -> dict[str, Any] | None:
    """Return a message with its texts, or None if all its sentences need values that are missing."""
    if is_sum_missing(template, order):
        reason, texts = gettext("The sum to be paid is not known: find it out first."), []
    else:
        reason, texts = "", [_text(order, template, phone, language, chosen) for language in Language]
        if not all(text["text"] for text in texts):
            return None
    last = next((sent_text(*pair) for pair in sent if pair[0].template_id == str(template.pk)), "")
    return {
        "template": template,
        "texts": texts,
        "reason": reason,
        "sent": last,
        "url": reverse("admin:orders_order_message", args=[order.pk, template.pk]),
    }


def _text(order: Order, template: MessageTemplate, phone: str, language: Language, chosen: Language) -> dict[str, Any]:
    text = message_text(template, order, language)
    return {
        "language": language.value,
        "text": text,
        "whatsapp": whatsapp_url(phone, text) if len(text) <= LONGEST_LINK else "",
        "is_shown": language == chosen,
    }


def _phone(order: Order, addressee: Addressee) -> str:
    return contact_of(order).phone if addressee == Addressee.CUSTOMER else order.recipient_phone


def _short(language: Language) -> str:
    return "Қазақша" if language == Language.KAZAKH else "Русский"


def _templates_url(user: AnyUser) -> str:
    may = user.has_perm("orders.change_messagetemplate")
    return reverse("admin:orders_messagetemplate_changelist") if may else ""
