"""The columns of the order list."""

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_base import moment
from orders.admin.badges import delivery_marks, order_marks, status_badge, sync_badge
from orders.formatting import day, money, phone_link
from orders.models import Order, PaymentStatus

ADDRESS_LENGTH = 60  # characters in the list


class OrderColumns:
    """What a row says of an order."""

    @admin.display(description=_("Status"))
    def status_column(self, order: Order) -> SafeString:
        """Return the status in its stage's colours."""
        return status_badge(order.status)

    @admin.display(description=_("Number"), ordering="order_number")
    def number_column(self, order: Order) -> SafeString:
        """Return the number, and what is wrong with the order; the whole is a link."""
        return _lines(f"№\N{NO-BREAK SPACE}{order.order_number}", order_marks(order))

    @admin.display(description=_("Recipient"))
    def recipient_column(self, order: Order) -> SafeString:
        """Return who gets it, his phone (a tap calls it), and how."""
        return _lines(order.recipient_name, phone_link(order.recipient_phone), delivery_marks(order))

    @admin.display(description=_("Address"))
    def address_column(self, order: Order) -> str:
        """Return the beginning of the address, the whole of it in the tooltip."""
        text = " ".join(order.delivery_address.split())
        city = order.city.name if order.city else ""
        if not text:
            if order.is_pickup:
                return city or "—"
            return format_html('<span class="crm-missing">{}</span>', gettext("ask for the address"))
        short = Truncator(text).chars(ADDRESS_LENGTH)
        return _lines(format_html('<span class="crm-address" title="{}">{}</span>', text, short), _subtle(city))

    @admin.display(description=_("When"), ordering="delivery_date")
    def when_column(self, order: Order) -> SafeString:
        """Return day and interval of the delivery."""
        css = "crm-nowrap crm-today" if order.delivery_date == timezone.localdate() else "crm-nowrap"
        date = format_html('<span class="{}">{}</span>', css, day(order.delivery_date) or "—")
        slot = order.delivery_slot
        return _lines(date, format_html('<span class="crm-nowrap">{}</span>', slot.name) if slot else "")

    @admin.display(description=_("Sum"), ordering="total_amount")
    def amount_column(self, order: Order) -> SafeString:
        """Return the sum and what is left to collect."""
        amount = format_html('<span class="crm-money">{}</span>', money(order.total_amount))
        return _lines(amount, _subtle(payment_words(order)))

    @admin.display(description=_("Site"))
    def sync_column(self, order: Order) -> SafeString:
        """Return whether the site knows."""
        return sync_badge(order)

    @admin.display(description=_("Created"), ordering="created_at")
    def created_column(self, order: Order) -> SafeString:
        """Return when it was placed, and where."""
        return _lines(moment(order.created_at), _subtle(str(order.get_source_display())))


def _lines(*parts: str) -> SafeString:
    """Return the parts that are there, each on a line of its own; what is no markup is escaped."""
    there = [(part,) for part in parts if part] or [("—",)]
    return format_html('<div class="crm-cell">{}</div>', format_html_join("", "<div>{}</div>", there))


def _subtle(text: str) -> str:
    return format_html('<span class="crm-subtle">{}</span>', text) if text else ""


def payment_words(order: Order) -> str:
    """Return whether the order is paid, and what is left to collect."""
    if order.payment_status == PaymentStatus.REFUNDED:
        return str(PaymentStatus.REFUNDED.label)
    if order.payment_status == PaymentStatus.PAID or not order.amount_due:
        return gettext("paid")
    if order.paid_amount:
        return gettext("to collect %(sum)s") % {"sum": money(order.amount_due)}
    return gettext("not paid")
