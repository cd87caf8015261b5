"""The steps of the site check. Each step sends one request, which is the same for the site and for the sandbox."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, pgettext_lazy

from bitrix_bridge.site_check.calls import Request
from bitrix_bridge.site_check.side_state import FIRST_STATUS, Side

ORDER_TEXT = "ПРОВЕРКА CRM, не выполнять"
"""The content of all texts of the test order, so that staff of the site recognize the order."""
LETTERS = "Құттықтаймыз! 🌹\nӘке мен анаға — үлкен рахмет"
TOO_LONG = "Ж" * 501
TEXT_PROPERTIES = ("postcardText", "addressRecipient", "nameRecipient", "name")
"""Text properties. The first property that exists on the site is sent with a text that is too long."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the site check. `needs` are the keys of steps that must have succeeded on the site before."""

    key: str
    title: Any
    request: Callable[[Side], Request]
    needs: tuple[str, ...] = ()
    skip_reason: Callable[[Side], str] = lambda _side: ""
    """Return why the step is not possible on this site, or an empty string if it is possible."""
    reads: bool = True
    """Whether the order is read and compared after the step."""


def _update(key: str, **changes: Callable[[Side], Any] | Any) -> Callable[[Side], Request]:
    def request(side: Side) -> Request:
        parts = {name: part(side) if callable(part) else part for name, part in changes.items()}
        return {"action": "order.update", "order_id": side.order_id, "event_id": f"{side.xml_id}-{key}", **parts}

    return request


def _line(quantity: int, price: float, line_id: int = 0) -> list[dict[str, Any]]:
    # The item has no product, so that the catalogue with its stock and its prices does not matter.
    line = {
        "bitrix_product_id": None,
        "quantity": quantity,
        "price": price,
        "base_price": 100.0,
        "product_snapshot": {"name": ORDER_TEXT, "currency": "KZT"},
    }
    return [line | ({"bitrix_basket_id": line_id} if line_id else {})]


def _create(side: Side) -> Request:
    texts = ("recipient_name", "delivery_address", "postcard_text", "comment", "courier_comment")
    return {
        "action": "order.create",
        "xml_id": side.xml_id,
        "user_id": None,
        **dict.fromkeys(texts, ORDER_TEXT),
        "recipient_phone": "",
        "delivery_date": side.day,
        "total_amount": 150.0,
        "delivery_fee": 50.0,
        "delivery_id": side.delivery,
        "payment_method_id": side.pay_system,
        "items": _line(1, 100.0),
        "properties": side.known({"name": ORDER_TEXT, "phone": "", "email": ""}),
    }


def _list(side: Side) -> Request:
    # The list starts after the previous id and has one row, so that no other order is read.
    return {"action": "order.list", "after_id": (side.order_id or 1) - 1, "limit": 1, "archived": True}


def _texts(side: Side) -> dict[str, str]:
    codes = ("nameRecipient", "addressRecipient", "postcardText", "name")
    return side.known({code: f"{ORDER_TEXT} ({number})" for number, code in enumerate(codes, start=1)})


def _long_code(side: Side) -> str:
    return next((code for code in TEXT_PROPERTIES if code in side.known(dict.fromkeys(TEXT_PROPERTIES, ""))), "")


def _status(side: Side) -> Request:
    request = {"action": "order.status", "order_id": side.order_id, "status_id": side.status}
    return request | {"expected_status_id": side.present_status}


def _late_status(side: Side) -> Request:
    request = {"action": "order.status", "order_id": side.order_id, "status_id": FIRST_STATUS}
    return request | {"expected_status_id": FIRST_STATUS}


def _no_status(side: Side) -> str:
    if side.status is not None:
        return ""
    return gettext("the site has no status that the check could set: neither AP nor another known one")


def _no_pay_system(side: Side) -> str:
    return "" if side.pay_system is not None else gettext("the site has no pay system")


def _no_choice(side: Side) -> str:
    return "" if side.known(side.choices) else gettext("the site has no reference data, or no properties for it")


def _no_postcard(side: Side) -> str:
    there = side.known({"postcardText": ""})
    return "" if there else gettext("the site has no order property %(code)s") % {"code": "postcardText"}


def _no_long_text(side: Side) -> str:
    return "" if _long_code(side) else gettext("the site has no order property for a text")


def _step(key: str, title: Any, request: Callable[[Side], Request], *needs: str, **more: Any) -> Step:
    return Step(key, title, request, needs, **more)


_texts_request = _update(
    "texts",
    fields={"USER_DESCRIPTION": f"{ORDER_TEXT} (5)", "COMMENTS": f"{ORDER_TEXT} (6)"},
    properties=_texts,
)
_CANCEL = {"CANCELED": "Y", "REASON_CANCELED": ORDER_TEXT}

STEPS: tuple[Step, ...] = (
    _step("ping", pgettext_lazy("site check", "Connection"), lambda _: {"action": "ping"}, reads=False),
    _step(
        "reference",
        pgettext_lazy("site check", "Reference data"),
        lambda _: {"action": "reference"},
        "ping",
        reads=False,
    ),
    _step("create", pgettext_lazy("site check", "Creating"), _create, "ping"),
    _step("create-again", pgettext_lazy("site check", "Creating again"), _create, "create"),
    _step(
        "read",
        pgettext_lazy("site check", "Reading"),
        lambda side: {"action": "order.get", "xml_id": side.xml_id},
        "create",
        reads=False,
    ),
    _step("list", pgettext_lazy("site check", "List"), _list, "create", reads=False),
    _step("texts", pgettext_lazy("site check", "Texts"), _texts_request, "create"),
    _step("repeat", pgettext_lazy("site check", "The same request again"), _texts_request, "texts"),
    _step(
        "letters",
        pgettext_lazy("site check", "Kazakh letters and emoji"),
        _update("letters", properties={"postcardText": LETTERS}),
        "create",
        skip_reason=_no_postcard,
    ),
    _step(
        "choices",
        pgettext_lazy("site check", "City, shop, time"),
        _update("choices", properties=lambda side: side.known(side.choices)),
        "create",
        skip_reason=_no_choice,
    ),
    _step(
        "too-long",
        pgettext_lazy("site check", "Text that is too long"),
        _update(
            "too-long",
            fields={"COMMENTS": f"{ORDER_TEXT} (7)"},
            properties=lambda side: {_long_code(side): TOO_LONG},
        ),
        "create",
        skip_reason=_no_long_text,
    ),
    _step(
        "fee",
        pgettext_lazy("site check", "Delivery price"),
        _update("fee", fields={"PRICE": "170.00", "PRICE_DELIVERY": "70.00"}),
        "create",
    ),
    _step(
        "quantity",
        pgettext_lazy("site check", "Quantity"),
        _update("quantity", fields={"PRICE": "270.00"}, items=lambda side: _line(2, 100.0, side.line_id)),
        "fee",
    ),
    _step(
        "discount",
        pgettext_lazy("site check", "Discount in prices"),
        _update("discount", fields={"PRICE": "250.00"}, items=lambda side: _line(2, 90.0, side.line_id)),
        "quantity",
    ),
    _step(
        "total",
        pgettext_lazy("site check", "Lower total"),
        _update("total", fields={"PRICE": "240.00"}),
        "discount",
    ),
    _step(
        "pay",
        pgettext_lazy("site check", "Payment"),
        _update("pay", fields={"PAYED": "Y"}),
        "create",
        skip_reason=_no_pay_system,
    ),
    _step("list-paid", pgettext_lazy("site check", "List after the payment"), _list, "pay", reads=False),
    _step("unpay", pgettext_lazy("site check", "Marking as unpaid"), _update("unpay", fields={"PAYED": "N"}), "pay"),
    _step("status", pgettext_lazy("site check", "Status"), _status, "create", skip_reason=_no_status),
    _step("late-status", pgettext_lazy("site check", "Outdated status"), _late_status, "status"),
    _step(
        "late-update",
        pgettext_lazy("site check", "Outdated status and text"),
        _update(
            "late-update",
            fields={"STATUS_ID": FIRST_STATUS, "COMMENTS": f"{ORDER_TEXT} (8)"},
            expected_status_id=FIRST_STATUS,
        ),
        "status",
    ),
    _step(
        "status-and-text",
        pgettext_lazy("site check", "Status and text together"),
        _update(
            "status-and-text",
            fields={"STATUS_ID": FIRST_STATUS, "COMMENTS": f"{ORDER_TEXT} (9)"},
            expected_status_id=lambda side: side.present_status,
        ),
        "status",
    ),
    _step("cancel", pgettext_lazy("site check", "Cancellation"), _update("cancel", fields=_CANCEL), "create"),
    _step(
        "restore",
        pgettext_lazy("site check", "Undoing the cancellation"),
        _update("restore", fields={"CANCELED": "N"}),
        "cancel",
    ),
    _step(
        "cancel-again",
        pgettext_lazy("site check", "Second cancellation"),
        _update("cancel-again", fields=_CANCEL),
        "restore",
    ),
    _step(
        "delete",
        pgettext_lazy("site check", "Deleting"),
        lambda side: {"action": "order.delete", "order_id": side.order_id},
        "create",
        reads=False,
    ),
    _step(
        "gone",
        pgettext_lazy("site check", "Reading after the deletion"),
        lambda side: {"action": "order.get", "order_id": side.order_id},
        "delete",
        reads=False,
    ),
)
"""All steps. No step lowers the total of a paid order, because Bitrix would move money to the customer's account."""
