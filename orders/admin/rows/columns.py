"""The columns of the order list. On a phone the cells of a row form a card (static/cvety_crm/order_list.css)."""

from collections.abc import Callable
from functools import wraps

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.users import display_name
from orders.admin.badges import delivery_marks, order_marks, stage_class, status_badge, sync_mark
from orders.admin.rows.row_context import TEXT_LENGTH, OrderRow, version
from orders.admin.rows.row_links import row_links, take_button
from orders.models import Order
from orders.presentation.addresses import split_address
from orders.presentation.composition import composition
from orders.presentation.formatting import NBSP, day, number
from orders.presentation.payment import payment_text, state_text, sum_text
from orders.presentation.phones import phone_text, shown_phone
from orders.rules.lateness import Lateness, is_open, lateness, lateness_words
from orders.rules.payment import payment_of
from orders.rules.photo_state import SIGNS, PhotoState, photo_state
from orders.rules.visibility import may_see_prices, shown_text

ADDRESS_LENGTH = 70  # characters shown in the list
PRODUCT_LENGTH = 40
NOTE_LENGTH = 60
REGULAR_FROM = 2
"""The number of orders from which a customer is marked as regular."""


def _cell(lines: Callable[[OrderRow], SafeString]) -> Callable[[OrderRow], SafeString]:
    """Return a column whose cell contains these lines. htmx uses the id of the cell to replace it in an open list."""

    @wraps(lines)
    def cell(order: OrderRow) -> SafeString:
        swap = SafeString(' hx-swap-oob="morph"' if getattr(order, "is_swap", False) else "")
        cell_id = f"{lines.__name__}-{order.pk}"
        return format_html('<div class="crm-cell" id="{}"{}>{}</div>', cell_id, swap, lines(order))

    return cell


@admin.display(description=_("Number"), ordering="order_number")
@_cell
def number_column(order: OrderRow) -> SafeString:
    """Return the number, the sync state and the marks. The list makes them one link to the order."""
    return _lines(
        format_html(
            '<span class="crm-row-number" data-key="{}">№{}{}'
            '<input type="hidden" form="crm-list-live" name="row" value="{}-{}"></span>',
            order.pk,
            NBSP,
            order.order_number,
            order.pk.hex,
            version(order),
        ),
        sync_mark(order),
        order_marks(order),
    )


@admin.display(description=_("When"), ordering="delivery_date")
@_cell
def when_column(order: OrderRow) -> SafeString:
    """Return the date unless it is today, the delivery slot, and the remaining or exceeded time."""
    slot = order.delivery_slot.name if order.delivery_slot else ""
    is_today = order.delivery_date == timezone.localdate()
    if not order.delivery_date:
        date = _missing(order, gettext("ask for the date"))
    else:
        date = "" if is_today else format_html('<span class="crm-nowrap">{}</span>', day(order.delivery_date))
    ask = _missing(order, gettext("ask for the time"))
    time = format_html('<span class="crm-time">{}</span>', slot) if slot else ask
    return _lines(date, time, _clock(order))


@admin.display(description=_("Status"))
@_cell
def status_column(order: OrderRow) -> SafeString:
    """Return the badge of the status, and the button that sets the next status."""
    return _lines(status_badge(order.status), _next_step(order))


@admin.display(description=_("Composition"))
@_cell
def composition_column(order: OrderRow) -> SafeString:
    """Return the first product, the number of the other products, and a mark if there is a postcard."""
    items = composition(order.items.all())
    if not items:
        return _lines(_missing(order, gettext("no items")), _card(order))
    first = items[0]
    name = Truncator(first.name).chars(PRODUCT_LENGTH)
    pieces = f" × {number(first.quantity)}" if first.quantity != 1 else ""
    others = Truncator(", ".join(item.name for item in items[1:])).chars(TEXT_LENGTH)
    more = format_html(' <span class="crm-plus" title="{}">+{}</span>', others, len(items) - 1) if others else ""
    return _lines(format_html('<span title="{}">{}{}</span>{}', first.name, name, pieces, more), _card(order))


@admin.display(description=_("Recipient"))
@_cell
def recipient_column(order: OrderRow) -> SafeString:
    """Return the recipient's name, the phone, and the marks for the handover."""
    user = order.seen_by
    # If the order is a surprise, the phone is plain text, because an accidental tap must not call the recipient.
    show = phone_text if order.is_surprise else shown_phone
    phone = show(user, order.recipient_phone)
    return _lines(
        shown_text(user, order.recipient_name),
        phone or _missing(order, gettext("ask for the phone")),
        delivery_marks(order),
    )


@admin.display(description=_("Address"))
@_cell
def address_column(order: OrderRow) -> SafeString:
    """Return the district, the beginning of the address and the city, with links to maps and chats."""
    city = order.city.name if order.city else ""
    if not order.delivery_address.strip():
        if order.is_pickup:
            return _lines(gettext("pickup"), _subtle(city))
        return _lines(_missing(order, gettext("ask for the address")), _subtle(city), _links(order))
    whole = shown_text(order.seen_by, " ".join(order.delivery_address.split()))
    district, rest = split_address(whole)
    shown = Truncator(rest).chars(ADDRESS_LENGTH)
    first = format_html("<b>{}</b> ", district) if district else ""
    return _lines(
        format_html('<span class="crm-address" title="{}">{}{}</span>', whole, first, shown),
        _subtle(city),
        _links(order),
    )


@admin.display(description=_("Customer"))
@_cell
def customer_column(order: OrderRow) -> SafeString:
    """Return the customer's name or phone, and a mark with the number of orders of a regular customer."""
    customer = order.customer
    if customer is None:
        return _lines("—")
    known = getattr(order, "customer_orders", 0)
    regular = ""
    if known >= REGULAR_FROM:
        count = f"{known}+" if known >= 100 else str(known)
        regular = format_html('<span class="crm-mark">{} · {}</span>', gettext("regular"), count)
    user = order.seen_by
    name = shown_text(user, customer.name) or shown_phone(user, customer.phone)
    return _lines(name or gettext("without a name"), regular)


@admin.display(description=_("Payment"), ordering="total_amount")
@_cell
def amount_column(order: OrderRow) -> SafeString:
    """Return the sum and the state of the payment. A user who may not see prices gets only the state."""
    if not may_see_prices(order.seen_by, order.delivery_date):
        return _lines(state_text(payment_of(order)))
    amount = format_html('<span class="crm-money">{}</span>', sum_text(order))
    css = "crm-paid" if payment_of(order).is_settled else "crm-unpaid"
    return _lines(amount, format_html('<span class="{}">{}</span>', css, payment_text(order)))


@admin.display(description=_("Florist"))
@_cell
def florist_column(order: OrderRow) -> SafeString:
    """Return the florist, or the button that takes the order."""
    who = order.responsible
    if who is not None:
        return _lines(display_name(who))
    return _lines(take_button(order, order.seen_by))


@admin.display(description=_("Courier"))
@_cell
def courier_column(order: OrderRow) -> SafeString:
    """Return the courier, and whether the courier has been notified."""
    if order.courier is None:
        if order.is_pickup:
            return _lines(gettext("pickup"))
        return _lines(_missing(order, gettext("no courier")) if is_open(order) else "—")
    notified = ""
    if order.courier_notified_at:
        notified = format_html(
            '<span class="crm-mark"><span aria-hidden="true">🔔</span> {}</span>', gettext("notified")
        )
    elif is_open(order):
        notified = format_html('<span class="crm-mark crm-mark-warn">{}</span>', gettext("not notified"))
    return _lines(order.courier.name, notified)


@admin.display(description=_("Notes"))
@_cell
def notes_column(order: OrderRow) -> SafeString:
    """Return the comment, the last note, the number of notes, and the state of the photo."""
    user = order.seen_by
    note, count = shown_text(user, order.last_note or ""), order.notes_count
    text = format_html('<span title="{}">{}</span>', note, Truncator(note).chars(NOTE_LENGTH)) if note else ""
    more = ngettext("%(count)s note", "%(count)s notes", count) % {"count": count} if count > 1 else ""
    requests = ""
    if comment := shown_text(user, order.comment):
        requests = format_html('<span title="{}">✍ {}</span>', comment, Truncator(comment).chars(NOTE_LENGTH))
    return _lines(requests, text, _subtle(more), photo_mark(order))


COLUMNS = (
    number_column,
    when_column,
    status_column,
    composition_column,
    recipient_column,
    address_column,
    customer_column,
    amount_column,
    florist_column,
    courier_column,
    notes_column,
)
"""The columns of the list, from left to right. The name of a function is the name of the column."""


def photo_mark(order: Order) -> SafeString | str:
    """Return the state of the bouquet's photo, or an empty string for an order without a photo."""
    state = photo_state(order)
    if state == PhotoState.NONE:
        return ""
    return format_html(
        '<span class="crm-mark crm-photo-{}"><span aria-hidden="true">{}</span> {}</span>',
        state,
        SIGNS.get(state, ""),
        state.label,
    )


def _clock(order: Order) -> SafeString | str:
    words = lateness_words(order)
    if not words:
        return ""
    late = lateness(order)
    css = {Lateness.LATE: "crm-late", Lateness.RISK: "crm-risk"}.get(late, "crm-subtle")
    sign = {Lateness.LATE: "‼", Lateness.RISK: "⚠"}.get(late, "")
    return format_html('<span class="crm-clock {}"><span aria-hidden="true">{}</span> {}</span>', css, sign, words)


def _next_step(order: Order) -> SafeString | str:
    step = getattr(order, "next_step", None)
    if step is None:
        return ""
    url = f"{reverse('admin:orders_order_next_step', args=[order.pk])}?seen={order.status_id}"
    return format_html(
        '<button type="submit" form="crm-undo-form" class="crm-row-button crm-next {}" formaction="{}" hx-post="{}"'
        ' hx-swap="none" hx-include="#crm-undo-form" hx-params="csrfmiddlewaretoken,next,status"'
        ' name="status" value="{}" data-next>→ {}</button>',
        stage_class(step.stage),
        url,
        url,
        step.code,
        step.name,
    )


def _links(order: OrderRow) -> SafeString:
    return row_links(order, order.seen_by)


def _card(order: OrderRow) -> SafeString | str:
    if not order.postcard_text.strip():
        return ""
    return format_html(
        '<span class="crm-card-mark" title="{}"><span aria-hidden="true">💌</span> {}</span>',
        shown_text(order.seen_by, order.postcard_text),
        gettext("card"),
    )


def _missing(order: Order, words: str) -> SafeString | str:
    """Return the name of a missing value in red, or an empty string for a closed order."""
    if not is_open(order):
        return ""
    return format_html('<span class="crm-missing">{}</span>', words)


def _lines(*parts: str) -> SafeString:
    """Return the non-empty strings, each on its own line. Strings that are not safe markup are escaped."""
    there = [(part,) for part in parts if part] or [("—",)]
    return format_html_join("", "<div>{}</div>", there)


def _subtle(text: str) -> str:
    return format_html('<span class="crm-subtle">{}</span>', text) if text else ""
