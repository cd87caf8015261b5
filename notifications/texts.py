"""The texts of messages to staff, as Telegram's HTML. The functions are pure and run no queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext, pgettext

from cvety_crm.alerts import Alert
from cvety_crm.masking import mask
from cvety_crm.users import display_name
from notifications.links import is_public, order_url, page_url
from notifications.markup import LongList, LongText, compose, line
from orders.models import EventKind, Order, OrderEvent, OrderItem, PhotoAnswer, Source
from orders.presentation.contacts import contact_of, given_contact
from orders.presentation.details import as_line, order_details, plain_item_details
from orders.presentation.formatting import long_day, long_moment, short_moment
from orders.presentation.item_values import price_text, quantity_text
from orders.presentation.payment import amount_text, due_text, method_text, state_text
from orders.presentation.phones import phone_words
from orders.presentation.when import slot_text, status_text, unknown_date
from orders.rules.discounts import are_known, discount_of
from orders.rules.payment import Standing, payment_of
from orders.timeline_payloads import BouquetRemade, PhotoAnswered, ProblemReported, StatusChanged, payload_of

_ADDRESS_LIMIT = 600  # code units
_DETAILS_LIMIT = 200  # code units
_MOST_DETAILS = 40
_DOT = " · "
_FACTS = (EventKind.TAKEN, EventKind.READY, EventKind.REMADE)
Part = str | LongText | LongList


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order with its related rows loaded, and the other data for a message about the order."""

    order: Order
    items: Sequence[OrderItem]
    event: OrderEvent | None = None
    customer_orders: int = 0
    """The position of the order among the customer's orders, or 0 if it is unknown."""


def new_order(facts: OrderFacts) -> str:
    """Return the message about a new order."""
    order = facts.order
    number = gettext("Order № %(number)s") % {"number": line(order.order_number)}
    who_and_when = ", ".join(part for part in (_actor(facts.event), long_moment(order.created_at)) if part)
    origin = _DOT.join([line(status_text(order)), who_and_when, _source(order.source)])
    return compose([f"🆕 <b>{number}</b>{_DOT}{_payment(order)}", f"📋 {origin}", _making(order), *_body(facts)])


def status_change(facts: OrderFacts, status_names: Mapping[str, str]) -> str:
    """Return the message about the status, the making or the cancellation in `facts.event`.

    The order may have changed again since. `status_names` maps the codes of the event's statuses to their names.
    """
    order, event = facts.order, facts.event
    number = gettext("Order № %(number)s") % {"number": line(order.order_number)}

    def _status(code: str | None) -> str:
        return line(status_names.get(code or "") or code or "—")

    head: list[Part] = [f"🔄 <b>{number}</b>{_DOT}{_payment(order)}"]
    if event is not None:
        words = [f"<b>{_status(change['old'])} → {_status(change['new'])}</b>" for change in status_changes(event)]
        if event.kind in _FACTS:
            words.insert(0, f"<b>{line(event.get_kind_display())}</b>")
        words += [f"<b>{text}</b>" for text in _cancellations(event)]
        actor = _actor(event)
        words.append(", ".join(part for part in (actor, long_moment(event.happened_at)) if part))
        head.append(_DOT.join([*words, _source(event.source)]))
        if event.reason:
            head.append(f"❗ {line(event.get_reason_display())}")
        payload = payload_of(event)
        if isinstance(payload, (StatusChanged, BouquetRemade)) and payload.comment:
            head.append(LongText("💬 ", payload.comment))
    return compose([*head, _making(order), *_body(facts)])


def _making(order: Order) -> str:
    """Return the line about the facts of the making, such as `💐 Taken: Aidana, 11:40 · Ready: 12:05`, or no text."""
    found = []
    for moment, person, label in (
        (order.taken_at, order.taken_by, pgettext("bouquet", "Taken")),
        (order.ready_at, order.ready_by if order.ready_by != order.taken_by else None, pgettext("bouquet", "Ready")),
    ):
        if moment is not None:
            who_and_when = ", ".join(part for part in (line(display_name(person)), short_moment(moment)) if part)
            found.append(f"{label}: {who_and_when}")
    return f"💐 {_DOT.join(found)}" if found else ""


def photo_answer(facts: OrderFacts) -> str:
    """Return the message about the customer's answer to the photo of the bouquet."""
    order, event = facts.order, facts.event
    answered = PhotoAnswered.from_json(event.details if event is not None else {})
    if answered.answer == PhotoAnswer.LIKED:
        title = gettext("❤️ The customer likes the bouquet: order № %(number)s")
    else:
        title = gettext("✋ The customer asks to remake the bouquet: order № %(number)s")
    florist = order.responsible
    return compose(
        [
            f"<b>{title % {'number': line(order.order_number)}}</b>",
            LongText("💬 ", answered.comment) if answered.comment else "",
            _when(order),
            f"💐 {line(display_name(florist))}" if florist is not None else "",
            "" if is_public(order_url(order)) else _link(order_url(order)),
        ]
    )


def status_changes(event: OrderEvent | None) -> list[Mapping[str, Any]]:
    """Return the status changes of a timeline entry."""
    return [change for change in event.changes if change["field"] == "status"] if event else []


def _cancellations(event: OrderEvent) -> list[str]:
    """Return what the entry changed in the site's cancellation mark, which does not depend on the status."""
    changes = [change for change in event.changes if change["field"] == "is_cancelled"]
    return [gettext("Order cancelled") if change["new"] else gettext("Cancellation withdrawn") for change in changes]


def alert(warning: Alert) -> str:
    """Return the message with an alert. Secrets in the title and the text are masked."""
    url = page_url(warning.path)
    return compose(
        [
            f"⚠️ <b>{line(mask(warning.title), 600)}</b>",
            LongText("", mask(warning.text)) if warning.text else "",
            _link(url),
        ]
    )


def problem(order: Order, event: OrderEvent) -> str:
    """Return the message about a problem that a user has reported for an order."""
    title = gettext("Problem: order № %(number)s") % {"number": line(order.order_number)}
    who_and_when = ", ".join(part for part in (_actor(event), long_moment(event.happened_at)) if part)
    return compose(
        [
            f"⚠️ <b>{title}</b>",
            LongText("", ProblemReported.from_json(event.details).problem),
            f"🙋 {who_and_when}",
            _link(order_url(order)),
        ]
    )


def _body(facts: OrderFacts) -> list[Part]:
    order = facts.order
    return [
        *_warnings(order),
        _when(order),
        _items(facts),
        _delivery(order),
        _discount(facts) if order.discount_amount else "",
        _address(order),
        _recipient(order),
        LongText("💌 ", order.postcard_text) if order.postcard_text.strip() else "",
        LongText("✍️ ", order.comment) if order.comment.strip() else "",
        LongText("📝 ", order.courier_comment) if order.courier_comment.strip() else "",
        _customer(facts),
        _details(order),
        "" if is_public(order_url(order)) else _link(order_url(order)),
    ]


def _warnings(order: Order) -> list[str]:
    notes = []
    if order.is_stub:
        notes.append(gettext("The site has sent only the status so far; the other data has been requested."))
    if order.is_cancelled:
        notes.append(gettext("Cancelled on the site."))
    if order.is_deleted_on_site:
        notes.append(gettext("Deleted on the site."))
    if order.is_archived_on_site:
        notes.append(gettext("In the site's archive."))
    return [f"⚠️ {note}" for note in notes]


def _payment(order: Order) -> str:
    payment = payment_of(order)
    words = state_text(payment)
    if payment.standing == Standing.PARTLY_PAID:
        words = gettext("to be paid: %(sum)s") % {"sum": due_text(payment)}
    if payment.method is not None:
        words += f" ({payment.method.label})"
    elif payment.standing == Standing.NOT_PAID:
        words = method_text(order, payment)
    total = _money(order, "total_amount")
    if order.is_unknown("total_amount"):
        total = gettext("Sum: %(sum)s") % {"sum": total}
    return f"{total}{_DOT}{line(words)}"


def _money(order: Order, name: str) -> str:
    return line(amount_text(order, name))


def _when(order: Order) -> str:
    slot = order.delivery_slot
    time = slot_text(order)
    if slot is not None and not order.is_unknown("delivery_slot"):
        has_times = slot.starts_at is not None and slot.ends_at not in (None, slot.starts_at)
        time = f"{slot.starts_at:%H:%M}–{slot.ends_at:%H:%M}" if has_times else slot.name
    date = unknown_date(order)
    if not date:
        date = long_day(order.delivery_date) if order.delivery_date else gettext("delivery date not given")
    return f"🕐 {', '.join(line(part) for part in (date, time) if part)}"


def _items(facts: OrderFacts) -> Part:
    if not facts.items:
        return "🌷 " + gettext("no items given")
    lines = [
        gettext("🌷 %(name)s — %(quantity)s pcs × %(price)s")
        % {
            "name": _item_name(item),
            "quantity": line(quantity_text(item, separator="")),
            "price": line(price_text(item, facts.order)),
        }
        for item in facts.items
    ]
    return LongList(
        lines,
        lambda count: ngettext("…and %(count)d more item", "…and %(count)d more items", count) % {"count": count},
    )


def _item_name(item: OrderItem) -> str:
    details = as_line(plain_item_details(item))
    return f"{line(item.name)} ({line(details, _DETAILS_LIMIT)})" if details else line(item.name)


def _details(order: Order) -> Part:
    found = order_details(order, phones=True, prices=True)
    if not found:
        return ""
    lines = [f"▫️ {line(detail.label)}: {line(detail.value, _DETAILS_LIMIT)}" for detail in found[:_MOST_DETAILS]]
    return LongList(
        lines,
        lambda count: ngettext("…and %(count)d more value", "…and %(count)d more values", count) % {"count": count},
    )


def _discount(facts: OrderFacts) -> str:
    words = "🏷 " + gettext("Discount") + f" {_money(facts.order, 'discount_amount')}"
    # A reader who adds up the prices must not subtract the discount a second time.
    is_in_prices = are_known(facts.items) and discount_of(facts.items) == facts.order.discount_amount
    return f"{words}, " + gettext("already in the prices") if is_in_prices else words


def _delivery(order: Order) -> str:
    if order.is_pickup:
        how = "🏬 " + gettext("Pickup")
    elif order.delivery_fee or order.is_unknown("delivery_fee"):
        how = "🚚 " + gettext("Delivery") + f" {_money(order, 'delivery_fee')}"
    else:
        how = "🚚 " + gettext("Delivery free of charge")
    places = [line(place.name) for place in (order.city, order.shop) if place is not None]
    return _DOT.join([how, *places])


def _address(order: Order) -> str:
    if order.delivery_address.strip():
        return f"📍 {line(order.delivery_address, _ADDRESS_LIMIT)}"
    return "" if order.is_pickup else "📍 " + gettext("address not given")


def _recipient(order: Order) -> str:
    who = _person(order.recipient_name, order.recipient_phone, order.recipient_other_phones) or gettext(
        "recipient not given"
    )
    words = [who]
    if order.is_surprise:
        words.append(gettext("surprise, do not call"))
    if order.is_anonymous:
        words.append(gettext("anonymous, do not name the sender"))
    return f"🙎 {_DOT.join(words)}"


def _customer(facts: OrderFacts) -> str:
    customer = facts.order.customer
    if customer is None:
        return f"👤 {given}" if (given := _person(facts.order.contact_name, facts.order.contact_phone, "")) else ""
    contact = contact_of(facts.order)
    words = [_person(contact.name, contact.phone, contact.other_phones) or gettext("customer without a name")]
    known = _person(customer.name, customer.phone, customer.other_phones)
    if known and given_contact(facts.order) is not None:
        words.append(gettext("customer in the CRM: %(customer)s") % {"customer": known})
    if facts.customer_orders == 1:
        words.append(gettext("first order"))
    elif facts.customer_orders > 1:
        words.append(gettext("order no. %(count)d of this customer") % {"count": facts.customer_orders})
    return f"👤 {_DOT.join(words)}"


def _person(name: str, phone: str, others: str) -> str:
    return ", ".join(line(part) for part in (name, phone_words(phone, others)) if part.strip())


def _source(source: str) -> str:
    words: Mapping[str, str] = {
        Source.SITE: gettext("from the site"),
        Source.ADMIN: gettext("from the CRM"),
        Source.API: gettext("through the API"),
        Source.TELEGRAM: gettext("from Telegram"),
        Source.IMPORT: gettext("from the import"),
        Source.SYSTEM: gettext("by the CRM itself"),
        Source.CUSTOMER: gettext("from the customer"),
    }
    return words.get(source) or line(source)


def _actor(event: OrderEvent | None) -> str:
    return line(event.who) if event is not None else ""


def _link(url: str) -> str:
    return f"🔗 {line(url, 400)}" if url else ""
