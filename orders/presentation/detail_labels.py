"""The labels of the site's fields for which the site itself sends no label."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.rules.site_details import folded

_LABELS: dict[str, str | Promise] = {
    # The person who ordered, as entered in this order.
    "name fio": _("Name in the order"),
    "phone": _("Phone in the order"),
    "email": _("E-mail in the order"),
    "company company_name firma": _("Company"),
    # The place of delivery.
    "zip index": _("Postcode"),
    "city city_name": _("City"),
    "location location_name": _("Location"),
    "address address_2 address_recipient": _("Address"),
    "street": _("Street"),
    "house": _("House"),
    "building corpus korpus": _("Building"),
    "apartment flat kvartira kv": _("Flat"),
    "office": _("Office"),
    "entrance podezd porch": _("Entrance"),
    "floor etazh": _("Floor"),
    "intercom domofon": _("Intercom"),
    "door_code": _("Door code"),
    "landmark orientir": _("Landmark"),
    "zhk": _("Residential complex"),
    "ask_address": _("Ask the recipient for the address"),
    "name_recipient": _("Recipient"),
    "phone_recipient": _("Recipient's phone"),
    "data": _("Delivery date"),
    "when": _("Delivery time"),
    "shop": _("Shop"),
    # The bouquet.
    "size razmer": _("Size"),
    "color colour cvet tsvet": _("Colour"),
    "height vysota": _("Height"),
    "length dlina": _("Length"),
    "packaging package upakovka": _("Packaging"),
    "ribbon lenta": _("Ribbon"),
    "composition sostav": _("Composition"),
    "notes note": _("Note"),
    "postcard_text": _("Postcard"),
    # Payment.
    "kaspi_phone": _("Kaspi phone"),
    "method_pay": _("Payment method"),
    "check_number": _("Receipt number"),
    "pay_voucher_num": _("Number of the payment document"),
    "pay_voucher_date": _("Date of the payment document"),
    "date_pay_before": _("To be paid until"),
    "pay_system_name": _("Payment method"),
    "sum": _("Sum"),
    "paid": pgettext_lazy("payment", "Paid"),
    "is_return": _("Refund"),
    "payments": _("Payments"),
    "tax_value": _("Tax"),
    "price_payment": _("Commission of the payment method"),
    "ps_sum": _("Sum by the payment method"),
    "ps_status_description ps_status_message": _("Answer of the payment method"),
    "coupon promocode promo promo_code": _("Promo code"),
    "discount_name": _("Discount"),
    "bonus bonuses": _("Bonuses"),
    # The order.
    "user": _("Customer's account"),
    "user_description comment": _("Customer's requests"),
    "comments": _("Shop's comment"),
    "additional_info": _("Additional information"),
    "reason_canceled": _("Reason of the cancellation"),
    "reason_marked": _("Remark of the site"),
    "reason_undo_deducted": _("Reason of the return"),
    "order_topic": _("Topic"),
    "tracking_number": _("Tracking number"),
    "delivery_doc_num": _("Number of the delivery document"),
    "delivery_doc_date": _("Date of the delivery document"),
    "delivery_name": _("Delivery service"),
    "shipments": _("Shipments"),
    "shipment_properties": _("Properties of the shipment"),
    "set_components": _("Components of the set"),
    "quantity": _("Quantity"),
    "price": _("Price"),
    "utm_source": _("Advertising source"),
    "utm_medium": _("Advertising channel"),
    "utm_campaign": _("Advertising campaign"),
    "utm_content": _("Advertisement"),
    "utm_term": _("Advertising keyword"),
}
_LABEL_OF = {code: label for codes, label in _LABELS.items() for code in codes.split()}

_POSITION = {code: position for position, code in enumerate(_LABEL_OF)}


def position_of(code: str) -> int:
    """Return the position of a field among the others: as in the table, and unknown fields last."""
    return _POSITION.get(folded(code), len(_POSITION))


def label_of(code: str) -> str:
    """Return the label of a field of the site for which the site sends none. For an unknown field, return the code."""
    return str(_LABEL_OF.get(folded(code), code.strip())) or "—"
