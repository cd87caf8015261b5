"""The small buttons in a row of a list: call, WhatsApp, maps, copy the address, take the order."""

from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from cvety_crm.users import User
from orders.models import Order
from orders.presentation.addresses import one_line, with_city
from orders.presentation.links import call_url, two_gis_url, whatsapp_url, yandex_maps_url
from orders.rules.lateness import is_open
from orders.rules.visibility import may_see_phones, shown_text


def row_links(order: Order, user: User | AnonymousUser) -> SafeString:
    """Return the links of an order that this user may open. The order needs `select_related("customer", "city")`.

    If the order is a surprise, the links call the customer, because the recipient must not be called.
    """
    phone = order.recipient_phone
    if order.is_surprise:
        phone = order.customer.phone or "" if order.customer else ""
    if not may_see_phones(user):
        phone = ""
    address = shown_text(user, one_line(order.delivery_address))
    return render_to_string(
        "orders/row_links.html",
        {
            "number": order.order_number,
            "is_surprise": order.is_surprise,
            "call": call_url(phone),
            "whatsapp": whatsapp_url(phone),
            "two_gis": two_gis_url(order),
            "yandex": yandex_maps_url(order),
            "address": with_city(order, address),
        },
    )


def take_button(order: Order, user: User | AnonymousUser) -> SafeString:
    """Return the button that takes an order.

    Return an empty string for an order that is closed or has a florist, and for a user who may not change statuses.
    """
    is_free = order.responsible_id is None and is_open(order)
    may = user.has_perm("orders.change_order_status") or user.has_perm("orders.change_order")
    if not (is_free and may):
        return SafeString("")
    return render_to_string("orders/take_button.html", {"order": order})
