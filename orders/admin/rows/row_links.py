"""The links of an order: call, WhatsApp, maps, and the address to copy."""

from typing import Any

from cvety_crm.users import AnyUser
from orders.models import Order
from orders.presentation.addresses import one_line, with_city
from orders.presentation.contacts import contact_of
from orders.presentation.links import call_url, two_gis_url, whatsapp_url, yandex_maps_url
from orders.rules.visibility import may_see_phones, shown_text
from orders.values.phones import format_phone, numbers_of


def row_links(order: Order, user: AnyUser) -> dict[str, Any]:
    """Return the links of an order that this user may open. The order needs `select_related("customer", "city")`.

    If the order is a surprise, the links call the customer, because the recipient must not be called.
    """
    phone, others = order.recipient_phone, order.recipient_other_phones
    if order.is_surprise:
        contact = contact_of(order)
        phone, others = contact.phone, contact.other_phones
    numbers = numbers_of(phone, others) if may_see_phones(user) else []
    return {
        "is_surprise": order.is_surprise,
        "phones": [(format_phone(number), call_url(number), whatsapp_url(number)) for number in numbers],
        "two_gis": two_gis_url(order),
        "yandex": yandex_maps_url(order),
        "address": with_city(order, shown_text(user, one_line(order.delivery_address))),
    }
