"""Read an order into a snapshot, from a webhook's `data`, the bridge's `order.get` or REST's `sale.order.get`."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from bitrix_bridge.payloads.amounts import read_id, read_money, read_price, read_whole_number
from bitrix_bridge.payloads.basket import Basket, read_basket
from bitrix_bridge.payloads.customer import is_known, read_orderer
from bitrix_bridge.payloads.dates import read_date, read_moment
from bitrix_bridge.payloads.identity import crm_order_id, object_id, read_checksum
from bitrix_bridge.payloads.names import fold, order_column
from bitrix_bridge.payloads.payment_method import Method, read_method
from bitrix_bridge.payloads.payments import is_returned, payments_of, read_payments
from bitrix_bridge.payloads.properties import Labels, PropertyTranslation, list_properties
from bitrix_bridge.payloads.storable import add_under_free_key, storable
from bitrix_bridge.payloads.translation import ABSENT, Fields, Translation, as_typed, is_empty
from bitrix_bridge.payloads.values import (
    read_currency,
    read_flag,
    read_line,
    read_lines,
    read_slot,
    read_status,
)
from orders.models import ENTERED_METHOD
from orders.rules.discounts import discount_of
from orders.rules.site_details import is_phone_of_customer, is_phone_of_recipient
from orders.sync.fields import ITEMS
from orders.sync.snapshot import CustomerSnapshot, OrderSnapshot, ProblemReason

_NUMBER_LENGTH = 255

_BASKETS = ("basket", "basketItems")
_PROPERTIES = ("properties", "propertyValues")
_LABELS = ("property_labels", "property_choices")
_CONTACTS = ("name", "fio", "phone", "email")
_ENTERED = frozenset({"method", "text"})
_NO_PAY_SYSTEMS: Mapping[int, str] = MappingProxyType({})


def read_order(data: Mapping[str, Any], *, pay_systems: Mapping[int, str] = _NO_PAY_SYSTEMS) -> OrderSnapshot:
    """Return the snapshot of a whole order. `pay_systems` maps PAY_SYSTEM_ID to the CRM's payment methods,
    which are empty for a known pay system without a method.

    Raise `PayloadError` if there is no valid ID. Other values that can't be read are listed in `problems`.
    """
    return _read(data, pay_systems, is_partial=False)


def read_status_change(data: Mapping[str, Any], *, pay_systems: Mapping[int, str] = _NO_PAY_SYSTEMS) -> OrderSnapshot:
    """Return the snapshot of a status change: ID, STATUS_ID, DATE_STATUS and, from some senders, the whole order.

    The snapshot is partial if the payload has no price, no properties and no items. An empty basket in such a payload
    means that the sender did not read the items. Raise `PayloadError` if there is no valid ID.
    """
    fields = Fields(data if isinstance(data, Mapping) else {})
    is_whole = any(
        (raw := fields.peek(name)) is not ABSENT and raw is not False and not is_empty(raw)
        for name in (*_BASKETS, *_PROPERTIES, "PRICE")
    )
    return _read(data, pay_systems, is_partial=not is_whole)


def _read(data: Mapping[str, Any], pay_systems: Mapping[int, str], *, is_partial: bool) -> OrderSnapshot:
    order_id = object_id(data)
    order = Translation(Fields(data))
    order.source.take("ID")
    _read_columns(order)
    if not is_partial and not order.fields.get("order_number"):
        order.fields["order_number"] = str(order_id)
    version = order.read("VERSION", read_whole_number)
    checksum = read_checksum(order.source.take("checksum"))
    updated_at = order.clock("DATE_UPDATE")
    created_at = order.read("DATE_INSERT", read_moment)
    announced_at, status_changed_at = order.clock("webhook_timestamp"), _read_status_time(order)
    if is_partial or (version is None and updated_at is None):
        # In a whole order, DATE_STATUS may be much older than the event, so it is used only if there is no version and
        # no DATE_UPDATE.
        announced_at = announced_at or status_changed_at
    properties = _read_properties(order)
    method = _read_payment_method(order, properties, pay_systems)
    customer = _read_customer(order, properties)
    basket = _read_basket(order)
    _read_discount(order, basket)
    payments = _read_payments(order)
    if order.fields.get("payment_status") == "pending" and is_returned(payments or ()):
        order.fields["payment_status"] = "refunded"
    _complete_paid_amount(order)
    xml_id = order.source.peek("XML_ID")
    order.keep_rest(rename=order_column)
    properties.keep_rest()
    left_out = {"set_components": basket.set_components, "not_bought": basket.not_bought}
    parts = {"fields": order.kept, "properties": properties.kept, **left_out}
    metadata = {name: part for name, part in parts.items() if part}
    metadata |= properties.labels.of(properties.kept)
    if method.entered:
        metadata[ENTERED_METHOD] = dict(method.entered)
    if payments is not None:
        metadata["payments"] = payments
    readable = {"fields": frozenset(order.readable), "properties": frozenset(properties.readable)}
    if method.value or method.unread:
        readable[ENTERED_METHOD] = _ENTERED
    if basket.items is not None:
        readable |= dict.fromkeys(left_out, frozenset())
    return OrderSnapshot(
        bitrix_order_id=order_id,
        crm_order_id=crm_order_id(xml_id),
        version=version,
        updated_at=updated_at,
        checksum=None if is_partial else checksum,
        announced_at=announced_at,
        created_at=created_at,
        pay_system=method.system,
        pay_system_name=method.system_name,
        is_partial=is_partial,
        fields=order.fields | properties.fields,
        unread=_unread(order, properties, () if is_partial else basket.unread),
        places=_places(properties),
        customer=customer if is_known(customer) else None,
        items=None if is_partial else basket.items,
        payments=read_payments(payments or (), pay_systems),
        metadata=metadata,
        readable=readable,
        problems=(
            *order.problems,
            *properties.problems,
            *customer.problems,
            *basket.problems,
        ),
    )


def _unread(order: Translation, properties: Translation, lines: Iterable[str]) -> dict[str, str]:
    """Return the texts of the unreadable fields and lines, without fields that another column has replaced.

    The id of the order, which replaces an unreadable number, is not what the site calls its number.
    """
    unread = order.unread | properties.unread
    if text := "; ".join(lines):
        unread[ITEMS] = text
    replaced = {*order.fields, "bitrix_user_id"} - {"order_number"}
    return {name: text for name, text in unread.items() if name not in replaced}


def _places(properties: PropertyTranslation) -> tuple[str, ...]:
    """Return the names of the order's locations: of properties such as `LOCATION`, which contain a code."""
    found = []
    for code, raw in properties.kept.items():
        if "location" in fold(code) and isinstance(raw, str | int):
            name = properties.labels.choices.get(code, {}).get(str(raw)) or str(raw)
            found += [name] if any(map(str.isalpha, name)) else []
    return tuple(found)


def _read_columns(order: Translation) -> None:
    order.column("ACCOUNT_NUMBER", "order_number", partial(read_line, max_length=_NUMBER_LENGTH))
    if not order.fields.get("order_number"):
        order.fields.pop("order_number", None)
    order.column("STATUS_ID", "status", read_status)
    order.column("USER_DESCRIPTION", "comment", read_lines)
    order.column("COMMENTS", "courier_comment", read_lines)
    order.column("PRICE", "total_amount", read_price)
    order.column("PRICE_DELIVERY", "delivery_fee", read_price)
    order.column("SUM_PAID", "paid_amount", read_price)
    order.column("CURRENCY", "currency", read_currency)
    order.column("CANCELED", "is_cancelled", read_flag, empty=False)
    order.column("PAYED", "payment_status", read_flag, empty=False)
    if "payment_status" in order.fields:
        order.fields["payment_status"] = "paid" if order.fields["payment_status"] else "pending"


def _read_discount(order: Translation, basket: Basket) -> None:
    """Read the discount from the prices of the items. DISCOUNT_VALUE contains only a discount agreed in addition."""
    raw = order.source.peek("DISCOUNT_VALUE")
    order.column("DISCOUNT_VALUE", "discount_amount", read_money)
    discount = read_money(discount_of(basket.items or ())).value if basket.has_list_prices else None
    if discount is None:
        return
    if "discount_amount" in order.fields:
        order.keep("DISCOUNT_VALUE", raw)
    order.fields["discount_amount"] = discount


def _read_payment_method(order: Translation, properties: PropertyTranslation, pay_systems: Mapping[int, str]) -> Method:
    """Read the payment method, and keep the pay system in metadata. REST sends the id in the payments (BX25)."""
    raw = order.source.peek("PAY_SYSTEM_ID")
    pay_system = order.read("PAY_SYSTEM_ID", read_id)
    payments = [Fields(payment) for payment in payments_of(order.source.peek("PAYMENTS")) or []]
    systems = {
        key: as_typed(payment.peek("PAY_SYSTEM_NAME")) if payment.peek("PAY_SYSTEM_NAME") is not ABSENT else ""
        for payment in payments
        if (key := read_id(payment.peek("PAY_SYSTEM_ID")).value)
    }
    if pay_system is not None:
        order.keep("PAY_SYSTEM_ID", raw)
        systems = {pay_system: systems.get(pay_system, "")}
    method = read_method(list(systems.items()), properties.source, pay_systems)
    if method.value:
        order.fields["payment_method"] = method.value
    elif method.unread:
        order.unread["payment_method"] = method.unread
    return method


def _complete_paid_amount(order: Translation) -> None:
    """Set the paid amount of a paid order to its sum if it is 0 or absent. Not all senders send SUM_PAID, and orders of
    old shops have 0 in it; PAYED is Y only if the whole sum is paid.
    """
    total = order.fields.get("total_amount")
    if order.fields.get("payment_status") != "paid" or total is None:
        return
    if not order.fields.get("paid_amount"):
        order.fields["paid_amount"] = total
        order.unread.pop("paid_amount", None)


def _read_payments(order: Translation) -> list[Any] | None:
    """Return the raw payments. They are kept because the order's columns contain only their sum."""
    raw = order.source.take("payments")
    if raw is ABSENT or raw is None or raw is False or raw == "":
        return None
    payments = payments_of(raw)
    if payments is None:
        order.flag("payments", raw, ProblemReason.NOT_AN_OBJECT)
        return None
    order.readable.add("payments")
    return [storable(payment) for payment in payments]


def _read_status_time(order: Translation) -> datetime | None:
    """Read DATE_STATUS and also keep its raw value in metadata, like the other columns of the site's order."""
    raw = order.source.peek("DATE_STATUS")
    status_changed_at = order.clock("DATE_STATUS")
    if status_changed_at is not None:
        order.keep("DATE_STATUS", raw)
    return status_changed_at


def _read_properties(order: Translation) -> PropertyTranslation:
    pairs: list[tuple[str, Any]] = []
    broken: list[tuple[str, Any]] = []
    labels = Labels()
    labels.read_maps(*(order.source.take(name) for name in _LABELS))
    for name in _PROPERTIES:
        raw = order.source.take(name)
        if raw is ABSENT:
            continue
        found = list_properties(raw, name)
        if found is None:
            order.flag(name, raw, ProblemReason.NOT_AN_OBJECT)
            continue
        order.readable.add(name)
        pairs += found.pairs
        broken += found.broken
        labels.update(found.labels)
    for place, element in broken:
        order.flag(place, element, ProblemReason.NOT_AN_OBJECT)
    reading = PropertyTranslation(Fields(pairs), where="properties.", labels=labels)
    reading.text("nameRecipient", "recipient_name", read_line)
    reading.phone_of("phoneRecipient", "recipient_phone", "recipient_other_phones", is_another=is_phone_of_recipient)
    reading.text("addressRecipient", "delivery_address", read_lines)
    reading.text("postcardText", "postcard_text", read_lines)
    reading.single("data", "delivery_date", read_date)
    reading.single("when", "delivery_slot", read_slot)
    reading.single("city", "city", read_id)
    reading.single("shopId", "shop", read_id)
    reading.flag_of(("pickup", "iWillGet"), "is_pickup", read_flag)
    reading.flag_of(("isAnonymous", "anonymous"), "is_anonymous", read_flag)
    reading.flag_of(("isSurprise", "surprise", "doNotCall"), "is_surprise", read_flag)
    return reading


def _read_customer(order: Translation, properties: PropertyTranslation) -> CustomerSnapshot:
    raw = order.source.take("user")
    user = raw if isinstance(raw, Mapping) else None
    if user is not None:
        order.readable.add("user")
    elif raw is not ABSENT and raw is not False and not is_empty(raw):
        order.flag("user", raw, ProblemReason.NOT_AN_OBJECT)
    has_user_id = order.source.peek("USER_ID") is not ABSENT
    order.column("USER_ID", "bitrix_user_id", read_id, empty=None)
    # The contacts are also kept in the order's metadata: other orders of the same user may have different contacts.
    codes = [*_CONTACTS, *(name for name, _raw in properties.source.rest() if is_phone_of_customer(name))]
    contacts = Fields([(code, properties.source.peek(code)) for code in codes if _has(properties, code)])
    customer = read_orderer(user, order.fields.get("bitrix_user_id"), contacts)
    properties.fields.update({f"contact_{name}": value or "" for name, value in customer.typed.items()})
    if user and not is_known(customer):
        order.keep("user", user)
    account = customer.guest_account or customer.bitrix_user_id
    if not has_user_id and account is not None:
        order.fields["bitrix_user_id"] = account
    return customer


def _has(properties: PropertyTranslation, code: str) -> bool:
    return properties.source.peek(code) is not ABSENT


def _read_basket(order: Translation) -> Basket:
    raw: Any = None
    for name in _BASKETS:
        if is_empty(raw):
            found = order.source.take(name)
            raw = raw if found is ABSENT else found
    basket = read_basket(raw)
    if basket.items is not None:
        order.readable.add("basket")
    for name, value in basket.kept.items():
        add_under_free_key(order.kept, name, storable(value))
    return basket
