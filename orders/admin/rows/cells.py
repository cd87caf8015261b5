"""The values of each cell of a row. The macros of the cells (templates/jinja2/orders/cells) show them.

The value `css` is also the class of the table cell.
"""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext, pgettext

from cvety_crm.users import display_name
from orders.admin.badges import SYNC_SIGNS, order_marks, stage_class
from orders.admin.order_urls import order_url
from orders.admin.rows.row_context import TEXT_LENGTH, OrderRow
from orders.admin.step_links import step_url
from orders.models import SyncState
from orders.presentation.addresses import split_address, unbroken
from orders.presentation.composition import composition
from orders.presentation.contacts import given_contact
from orders.presentation.formatting import NBSP, day
from orders.presentation.making import short_making_text
from orders.presentation.payment import payment_text, state_text, sum_text
from orders.presentation.phones import phone_text, shown_phone
from orders.presentation.when import slot_text, unknown_date
from orders.rules.lateness import Lateness, is_open, lateness, lateness_words
from orders.rules.making import may_be_taken
from orders.rules.next_step import StepKind
from orders.rules.payment import payment_of
from orders.rules.photo_state import SIGNS, PhotoState
from orders.rules.visibility import may_see_phones, may_see_prices, shown_text

ADDRESS_LENGTH = 70  # characters shown in the list
PRODUCT_LENGTH = 40
NAME_LENGTH = 60
LONGEST_UNBROKEN = 20
"""The length of a time that stays on one line, such as `30.11, 14:00–16:00`. The site may send any text instead."""
NOTE_LENGTH = 60
REGULAR_FROM = 2
"""The number of orders from which a customer is marked as regular."""
_LATENESS = {Lateness.LATE: ("crm-late", "‼"), Lateness.RISK: ("crm-risk", "⚠")}
_SYNC_LABELS = dict(SyncState.choices)

Values = Mapping[str, Any]


def number(order: OrderRow) -> Values:
    """Return the number, the link to the order, the sync state, and the marks that staff must see."""
    return {
        "key": order.pk,
        "order_number": order.order_number,
        "label": f"№{NBSP}{order.order_number}",
        "url": order_url("change", order.pk) + order.list_query,
        "is_synced": order.sync_state == SyncState.SYNCED,
        "sync_state": order.sync_state,
        "sync": str(_SYNC_LABELS.get(order.sync_state, order.sync_state)),
        "sync_sign": SYNC_SIGNS.get(order.sync_state, "!"),
        "marks": order_marks(order),
    }


def when(order: OrderRow) -> Values:
    """Return the date unless it is today, the delivery slot, and the remaining or exceeded time."""
    is_today = order.delivery_date == timezone.localdate()
    typed, slot = unknown_date(order), slot_text(order)
    date = day(order.delivery_date) if order.delivery_date and not is_today and not typed else ""
    missing = ""
    if is_open(order):
        missing = typed or _ask_when(date=not order.delivery_date, time=not slot)
    text = ", ".join(filter(None, (date, slot)))
    css, sign = _LATENESS.get(lateness(order), ("crm-subtle", ""))
    return {
        "text": text,
        "css": "crm-time crm-nowrap" if len(text) <= LONGEST_UNBROKEN else "crm-time",
        "missing": missing,
        "url": _edit_url(order, "when") if order.rights.may_edit else "",
        "clock": " ".join(filter(None, (sign, lateness_words(order)))),
        "clock_css": css,
    }


def status(order: OrderRow) -> Values:
    """Return the status, and the next step with the URL that does it, or with that of the dialog of its choice."""
    step = order.next_step
    return {
        "name": order.status.name,
        "stage_css": stage_class(order.status.stage),
        "url": order_url("statuses", order.pk) if order.rights.may_move else "",
        "step_kind": step.kind if step else "",
        "step_label": step.label if step else "",
        "step_css": stage_class(step.stage) if step else "",
        "step_dialog": step_url(step, order) if step else "",
        "step_url": f"{order_url('next_step', order.pk)}?seen={order.status_id}",
    }


def composition_of(order: OrderRow) -> Values:
    """Return the first product, the number of the other products, and whether there is a postcard."""
    items = composition(order.row_items, phones=may_see_phones(order.seen_by))
    card = pgettext("greeting", "card") if order.postcard_text.strip() else ""
    if not items:
        return {"missing": gettext("no items") if is_open(order) else "", "card": card}
    first = items[0]
    pieces = f" × {first.quantity_text}" if first.typed is not None or first.quantity != 1 else ""
    others = _cut(", ".join(item.name for item in items[1:]), TEXT_LENGTH)
    return {
        "picture_url": getattr(order.row_items[0], "picture", ""),
        "name": _cut(first.name, PRODUCT_LENGTH) + pieces,
        "more": f"+{len(items) - 1}" if others else "",
        "others": others,
        "card": card,
    }


def recipient(order: OrderRow) -> Values:
    """Return the recipient's name, the phone, and the marks for the handover."""
    user = order.seen_by
    phone = phone_text(user, order.recipient_phone, order.recipient_other_phones)
    marks = []
    if order.is_pickup:
        marks.append(gettext("pickup"))
    if order.is_anonymous:
        marks.append(gettext("anonymous"))
    if order.is_surprise:
        marks.append(gettext("surprise, don't call"))
    # If the order is a surprise, the phone is plain text, because an accidental tap must not call the recipient.
    may_call = may_see_phones(user) and not order.is_surprise and order.recipient_phone.startswith("+")
    return {
        "name": _name(shown_text(user, order.recipient_name)),
        "phone": phone,
        "phone_link": shown_phone(user, order.recipient_phone, order.recipient_other_phones) if may_call else "",
        "missing": gettext("ask for the phone") if not phone and is_open(order) else "",
        "marks": " · ".join(marks),
    }


def address(order: OrderRow) -> Values:
    """Return the district, the beginning of the address and the city, and the URL of its links."""
    city = order.city.name if order.city else ""
    url = order_url("contacts", order.pk)
    if not order.delivery_address.strip():
        missing = gettext("ask for the address") if is_open(order) and not order.is_pickup else ""
        text = gettext("pickup") if order.is_pickup else "" if missing or city else "—"
        return {"district": "", "text": text, "city": city, "missing": missing, "url": url}
    whole = shown_text(order.seen_by, " ".join(order.delivery_address.split()))
    district, rest = split_address(whole)
    text = unbroken(_cut(rest, ADDRESS_LENGTH))
    return {"district": unbroken(district), "text": text, "city": city, "url": url}


def customer(order: OrderRow) -> Values:
    """Return the customer's name or phone, and a mark with the number of orders of a regular customer."""
    who = order.customer
    if who is None:
        return {}
    known = order.customer_orders
    count = f"{known}+" if known >= 100 else str(known)
    user, given = order.seen_by, given_contact(order)
    given_name = _name(shown_text(user, given.name)) if given else ""
    name = _name(shown_text(user, who.name)) or shown_phone(user, who.phone, who.other_phones)
    return {
        "name": name or gettext("without a name"),
        "given": gettext("in the order: %(name)s") % {"name": given_name} if given_name else "",
        "regular": " · ".join((gettext("regular"), count)) if known >= REGULAR_FROM else "",
    }


def amount(order: OrderRow) -> Values:
    """Return the sum and the state of the payment. A user who may not see prices gets only the state."""
    payment = payment_of(order)
    is_priced = may_see_prices(order.seen_by, order.delivery_date)
    return {
        "sum": sum_text(order) if is_priced else "",
        "state": payment_text(order) if is_priced else state_text(payment),
        "css": "crm-paid" if payment.is_settled else "crm-unpaid",
    }


def florist(order: OrderRow) -> Values:
    """Return the florist and the last fact of the making, or the URL that takes the order.

    If taking the order is its next step, the cell of the status has the button.
    """
    who = order.responsible
    is_step = order.next_step is not None and order.next_step.kind == StepKind.TAKE
    may_take = not is_step and order.rights.may_make and may_be_taken(order)
    return {
        "name": display_name(who) if who is not None else "",
        "making": short_making_text(order),
        "take_url": order_url("take", order.pk) if may_take else "",
        "url": _edit_url(order, "florist") if order.rights.may_assign else "",
    }


def courier(order: OrderRow) -> Values:
    """Return the courier, and whether the courier has been notified."""
    url = _edit_url(order, "courier") if order.rights.may_assign and not order.is_pickup else ""
    if order.courier is None:
        missing = gettext("no courier") if is_open(order) and not order.is_pickup else ""
        return {"name": gettext("pickup") if order.is_pickup else "", "missing": missing, "url": url}
    return {
        "name": order.courier.name,
        "url": url,
        "is_notified": bool(order.courier_notified_at),
        "is_open": is_open(order),
    }


def notes(order: OrderRow) -> Values:
    """Return the comment, the last note, the number of notes, and the state of the photo."""
    user = order.seen_by
    count = order.notes_count
    more = ngettext("%(count)s note", "%(count)s notes", count) % {"count": count} if count > 1 else ""
    return {
        "comment": _cut(shown_text(user, order.comment), NOTE_LENGTH),
        "note": _cut(shown_text(user, order.last_note or ""), NOTE_LENGTH),
        "about": " · ".join(filter(None, (more, photo_words(order)))),
    }


def photo_words(order: OrderRow) -> str:
    """Return the state of the bouquet's photo with its sign, or an empty string for an order without a photo."""
    state = order.photo_state
    return "" if state == PhotoState.NONE else f"{SIGNS.get(state, '')} {state.label}".strip()


def _cut(text: str, length: int) -> str:
    """Return the beginning of a text with at most this number of characters. Nearly all texts are shorter."""
    return Truncator(text).chars(length) if len(text) > length else text


def _name(name: str) -> str:
    return _cut(name, NAME_LENGTH)


def _ask_when(*, date: bool, time: bool) -> str:
    """Return what must be asked about the delivery, or an empty string."""
    if date:
        return gettext("ask for the date")
    return gettext("ask for the time") if time else ""


def _edit_url(order: OrderRow, field: str) -> str:
    return order_url("edit", order.pk, field)
