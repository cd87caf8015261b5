"""The messages that fit an order, and their texts for the customer and for the recipient.

The recipient never reads the customer's name or a sum: no value of a message to the recipient contains them. A value
that is unknown or that only looks like one, such as the name of a stub, is missing in the text.
"""

from datetime import date

from django.utils import timezone

from orders.models import Addressee, MessageTemplate, Order, Stage
from orders.models.message import Handover
from orders.models.reference import SiteReference
from orders.presentation.addresses import building, one_line, with_city
from orders.presentation.contacts import contact_of
from orders.presentation.delivery import is_off
from orders.presentation.formatting import money
from orders.rules.payment import KZT, Standing, payment_of
from orders.values.languages import Language, language_of
from orders.values.message_text import DUE, PRICES, filled
from orders.values.person_names import have_name
from orders.values.phone_masking import MASK, start_of, without_phones

_MONTHS = {
    Language.RUSSIAN: (
        *("января", "февраля", "марта", "апреля", "мая", "июня"),
        *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
    ),
    Language.KAZAKH: (
        *("қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым"),
        *("шілде", "тамыз", "қыркүйек", "қазан", "қараша", "желтоқсан"),
    ),
}
_LONGEST_NAME = 60
_LONGEST_ADDRESS = 200


def stage_of(order: Order) -> str:
    """Return the stage of the order. An order that is cancelled on the site is in the stage “cancelled”.

    Return an empty string if the status of the order is unknown.
    """
    if is_off(order):
        return Stage.CANCELLED
    return "" if order.is_unknown("status") else order.status.stage


def fits(template: MessageTemplate, order: Order) -> bool:
    """Return whether the template is offered for the order. The recipient of a surprise gets no message.

    A message that asks for money does not fit an order for which nothing is due.
    """
    if template.stages and stage_of(order) not in template.stages:
        return False
    if template.handover != Handover.ANY and (template.handover == Handover.PICKUP) != order.is_pickup:
        return False
    if template.addressee == Addressee.RECIPIENT and order.is_surprise:
        return False
    return DUE not in template.placeholders or payment_of(order).is_due


def is_sum_missing(template: MessageTemplate, order: Order) -> bool:
    """Return whether the message asks for a sum that is unknown. Such a message must not be sent."""
    return DUE in template.placeholders and not _due(order)


def has_prices(template: MessageTemplate) -> bool:
    """Return whether the message contains sums."""
    return bool(template.placeholders & PRICES)


def message_text(template: MessageTemplate, order: Order, language: Language, today: date | None = None) -> str:
    """Return the text of the message. It is empty if every sentence needs a value that is missing.

    The order needs `select_related` of its customer, slot, city, shop and courier.
    """
    values = message_values(order, Addressee(template.addressee), language, today or timezone.localdate())
    return filled(template.text_in(language), values)


def message_values(order: Order, addressee: Addressee, language: Language, today: date) -> dict[str, str]:
    """Return the values of all placeholders for this addressee. A missing value is an empty string."""
    is_customer = addressee == Addressee.CUSTOMER
    return {
        "номер": (order.own_number if is_customer else "") or order.order_number,
        "имя": person_name(order, addressee),
        "получатель": person_name(order, Addressee.RECIPIENT),
        "дата": "" if order.is_unknown("delivery_date") else _date(order.delivery_date, language, today),
        "время": _time(order, language),
        "адрес": _address(order),
        "сумма": _sum(order) if is_customer else "",
        DUE: _due(order) if is_customer else "",
        "курьер": _name(order.courier.name) if order.courier and not order.is_pickup else "",
        "магазин": _reference_name(order.shop),
    }


def person_name(order: Order, addressee: Addressee) -> str:
    """Return the name of the customer or of the recipient, or an empty string if it is no name of a person."""
    if addressee == Addressee.RECIPIENT:
        return "" if order.is_unknown("recipient_name") else _name(order.recipient_name)
    return _name(contact_of(order).name)


def person_language(order: Order, addressee: Addressee) -> Language:
    """Return the language in which the person has probably written: the name, the postcard and the requests.

    The address does not count, because streets have Kazakh names.
    """
    if addressee == Addressee.RECIPIENT:
        return language_of(order.recipient_name[:_LONGEST_ADDRESS])
    written = (contact_of(order).name, order.comment, order.postcard_text)
    return language_of(" ".join(text[:_LONGEST_ADDRESS] for text in written))


def _name(typed: str) -> str:
    name = one_line(start_of(typed, _LONGEST_NAME * 2))
    is_usable = len(name) <= _LONGEST_NAME and have_name(name) and without_phones(name) == name
    return name if is_usable else ""


def _date(value: date | None, language: Language, today: date) -> str:
    if value is None:
        return ""
    # A relative date is not enough, because the message may be read on a different day.
    text = f"{value.day} {_MONTHS[language][value.month - 1]}"
    if value.year == today.year:
        return text
    return f"{value.year} жылғы {text}" if language == Language.KAZAKH else f"{text} {value.year} года"


def _time(order: Order, language: Language) -> str:
    slot = order.delivery_slot
    if slot is None or order.is_unknown("delivery_slot"):
        return ""
    if slot.starts_at and slot.ends_at:
        return f"{slot.starts_at:%H:%M}–{slot.ends_at:%H:%M}"
    name = _reference_name(slot)
    # The site's names of slots are Russian. In a Kazakh text, only a name without words can be read.
    return "" if language == Language.KAZAKH and any(map(str.isalpha, name)) else name


def _address(order: Order) -> str:
    if order.is_pickup or order.is_unknown("delivery_address"):
        return ""
    address = one_line(order.delivery_address[: _LONGEST_ADDRESS * 5])
    # What the customer has typed behind the building may name the sender or contain a phone.
    if order.is_anonymous or len(address) > _LONGEST_ADDRESS:
        address = building(address)
    address = one_line(without_phones(address).replace(MASK, "")).strip(" ,;")
    if len(address) > _LONGEST_ADDRESS:
        return ""
    return with_city(order, address) if _reference_name(order.city) else address


def _sum(order: Order) -> str:
    if order.is_unknown("total_amount") or order.is_unknown("currency") or order.total_amount <= 0:
        return ""
    return money(order.total_amount, order.currency or KZT)


def _due(order: Order) -> str:
    payment = payment_of(order)
    if payment.due is None or payment.standing not in (Standing.NOT_PAID, Standing.PARTLY_PAID):
        return ""
    return money(payment.due, payment.currency)


def _reference_name(row: SiteReference | None) -> str:
    """Return the name of a row of reference data. The name of a stub is an id, which means nothing to a customer."""
    return "" if row is None or row.needs_attention else one_line(row.name)
