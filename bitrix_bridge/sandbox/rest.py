"""The REST methods of Bitrix that the CRM uses, for the same site and without HTTP.

As in the official REST documentation, names are the columns in camelCase, and ids are numbers or strings. Error codes
of the REST layer are words, and error codes of the sale module are numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from .errors import SiteError
from .reference import ORDER_STATUSES, PAY_SYSTEMS, SHIPMENT_STATUSES
from .site import Site
from .values import Order, iso_time

Params = dict[str, Any]

ORDER_MISSING = 200540400001
PAGE = 50

# Fields that update accepts (sale/lib/rest/entity/order.php). Bitrix ignores other fields without an error.
WRITABLE = {
    "userDescription": "USER_DESCRIPTION",
    "comments": "COMMENTS",
    "responsibleId": "RESPONSIBLE_ID",
    "xmlId": "XML_ID",
    "externalOrder": "EXTERNAL_ORDER",
    "price": "PRICE",
    "discountValue": "DISCOUNT_VALUE",
    "canceled": "CANCELED",
    "reasonCanceled": "REASON_CANCELED",
    "marked": "MARKED",
}
NUMBERS = {"ID", "PERSON_TYPE_ID", "USER_ID", "VERSION", "PRICE", "DISCOUNT_VALUE", "TAX_VALUE", "PRICE_DELIVERY"}


class RestError(Exception):
    """A refusal of REST, with an HTTP status, an `error` (a word or a number) and an `error_description`."""

    def __init__(self, http_status: int, code: str | int, description: str) -> None:
        super().__init__(description)
        self.http_status = http_status
        self.code = code
        self.description = description


def camel(column: str) -> str:
    """Return a column's name in REST, such as statusId for STATUS_ID and id1c for ID_1C."""
    first, *rest = column.lower().split("_")
    return first + "".join(part if part[0].isdigit() else part.capitalize() for part in rest)


def _number(text: str | None) -> int | float:
    number = float(text or 0)
    return int(number) if number == int(number) else number


def _columns(order: Order) -> Params:
    flat: Params = {}
    for column, value in order.items():
        if column in ("properties", "basket", "payments", "user", "checksum"):
            continue
        if column.startswith("DATE_"):
            value = iso_time(value)
        elif column in NUMBERS:
            value = _number(value)
        flat[camel(column)] = value
    return flat


def _whole(order: Order) -> Params:
    order_id = int(order["ID"])
    basket = [
        {"orderId": order["ID"], **{camel(name): value for name, value in line.items()}} for line in order["basket"]
    ]
    for line in basket:
        line.update({name: _number(line[name]) for name in ("price", "basePrice", "discountPrice", "quantity")})
        line.update(properties=[], reservations=[])
    values = [
        {"id": str(order_id * 100 + place), "orderId": order_id, "orderPropsId": place, "code": code, "value": value}
        for place, (code, value) in enumerate(order["properties"].items(), start=1)
    ]
    payments = [_payment(order, payment) for payment in order["payments"]]
    return {
        **_columns(order),
        "basketItems": basket,
        "propertyValues": values,
        "payments": payments,
        "shipments": [],
        "clients": [],
        "tradeBindings": [],
        # PHP sends an empty array in place of an empty object.
        "requisiteLink": [],
    }


def _payment(order: Order, payment: Order) -> Params:
    return {
        "id": int(payment["ID"]),
        "orderId": int(order["ID"]),
        "paid": payment["PAID"],
        "paySystemId": payment["PAY_SYSTEM_ID"],
        "paySystemName": payment["PAY_SYSTEM_NAME"],
        "sum": _number(payment["SUM"]),
        "currency": payment["CURRENCY"],
        "datePaid": iso_time(payment["DATE_PAID"]),
        "isReturn": payment["IS_RETURN"],
    }


class Rest:
    """The REST methods of a site. Each receives parameters and returns the whole answer except `time`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._methods: dict[str, Callable[[Params], Params]] = {
            "sale.order.get": self._get,
            "sale.order.list": self._list,
            "sale.order.update": self._update,
            "sale.status.list": self._statuses,
            "sale.statuslang.list": self._status_names,
            "sale.paysystem.list": self._pay_systems,
        }

    def answer(self, method: str, params: object) -> tuple[int, Params]:
        """Return the HTTP status and the answer of a method. Names are case-insensitive, as in Bitrix."""
        try:
            handler = self._methods.get(method.lower())
            if handler is None:
                raise RestError(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
            return 200, handler(params if isinstance(params, dict) else {})
        except RestError as error:
            return error.http_status, {"error": error.code, "error_description": error.description}
        except SiteError as error:
            return 400, {"error": 0, "error_description": error.message}

    def _find(self, params: Params) -> Order:
        given = params.get("id")
        if given in (None, ""):
            raise RestError(400, 100, "Could not find value for parameter {id}")
        text = str(given).strip()
        try:
            return self._site.order(int(text) if text.isascii() and text.isdigit() else 0)
        except SiteError:
            raise RestError(400, ORDER_MISSING, "order is not exists") from None

    def _get(self, params: Params) -> Params:
        return {"result": {"order": _whole(self._find(params))}}

    def _update(self, params: Params) -> Params:
        order_id = int(self._find(params)["ID"])
        fields = params.get("fields")
        if not isinstance(fields, dict):
            raise RestError(400, 100, "Could not find value for parameter {fields}")
        columns = {WRITABLE[name]: value for name, value in fields.items() if name in WRITABLE}
        order = self._site.update_order(
            order_id, columns, origin="rest", raw_status=str(fields["statusId"]) if fields.get("statusId") else None
        )
        return {"result": {"order": _whole(order)}}

    def _list(self, params: Params) -> Params:
        rows = [_columns(order) for order in self._site.all_orders()]
        return _page(rows, "orders", params)

    def _statuses(self, params: Params) -> Params:
        return _page(_all_statuses(), "statuses", params)

    def _status_names(self, params: Params) -> Params:
        names = {**ORDER_STATUSES, **SHIPMENT_STATUSES}
        rows = [{"statusId": code, "lid": "ru", "name": name, "description": ""} for code, name in names.items()]
        return _page(rows, "statusLangs", params)

    def _pay_systems(self, _params: Params) -> Params:
        # This method has the names of the table's columns, and no pages.
        rows = [
            {"ID": str(key), "NAME": name, "ACTIVE": "Y", "ACTION_FILE": "cash"} for key, name in PAY_SYSTEMS.items()
        ]
        return {"result": rows, "total": len(rows)}


def _all_statuses() -> list[Params]:
    rows: list[Params] = []
    for kind, codes in (("O", ORDER_STATUSES), ("D", SHIPMENT_STATUSES)):
        for code in codes:
            row = {"id": code, "type": kind, "sort": 10 * (len(rows) + 1), "notify": "N", "color": "", "xmlId": ""}
            rows.append(row)
    return rows


def _page(rows: list[Params], name: str, params: Params) -> Params:
    """Filter and sort the rows of a list method, and return a page of 50 rows with the selected fields.

    If `start` is -1, the rows are not counted: the answer has neither `total` nor `next`.
    """
    for given, wanted in _mapping(params.get("filter")).items():
        match = re.fullmatch(r"(>=|<=|!=|[<>=!@]?)(\w+)", given)
        if match:
            rows = [row for row in rows if _holds(match[1], row.get(match[2]), wanted)]
    for field, direction in reversed(_mapping(params.get("order")).items()):
        rows = _sorted(rows, field, descending=str(direction).lower() == "desc")
    total = len(rows)
    start = int(params.get("start") or 0)
    uncounted = start < 0
    start = max(start, 0)
    rows = rows[start : start + PAGE]
    select = params.get("select")
    if isinstance(select, list) and select and "*" not in select:
        rows = [{field: row[field] for field in select if field in row} for row in rows]
    answer: Params = {"result": {name: rows}}
    if not uncounted:
        answer["total"] = total
        if start + PAGE < total:
            answer["next"] = start + PAGE
    return answer


def _sorted(rows: list[Params], field: str, *, descending: bool) -> list[Params]:
    return sorted(rows, key=lambda row: _key(row.get(field)), reverse=descending)


def _mapping(value: object) -> Params:
    return value if isinstance(value, dict) else {}


def _key(value: object) -> tuple[int, float, str]:
    """Return a sort key.

    Numbers and strings of numbers are compared as numbers, datetimes by time, the rest as strings.
    """
    text = "" if value is None else str(value)
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return 0, float(text), ""
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", text):
        return 0, datetime.fromisoformat(text).timestamp(), ""
    return 1, 0.0, text


def _holds(operator: str, value: object, wanted: object) -> bool:
    if isinstance(wanted, list) or operator == "@":
        choices = wanted if isinstance(wanted, list) else [wanted]
        return (_key(value) in [_key(choice) for choice in choices]) != (operator in ("!", "!="))
    left, right = _key(value), _key(wanted)
    return {
        ">": left > right,
        ">=": left >= right,
        "<": left < right,
        "<=": left <= right,
        "!": left != right,
        "!=": left != right,
    }.get(operator, left == right)


def parameters(query: str, body: bytes, content_type: str) -> Params:
    """Return REST parameters as PHP reads them. A form or a JSON object in the body overrides the query."""
    given = parse_qsl(query, keep_blank_values=True)
    if "json" in content_type:
        try:
            parsed = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            parsed = {}
        return {**_nested(given), **(parsed if isinstance(parsed, dict) else {})}
    return _nested(given + parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _nested(pairs: list[tuple[str, str]]) -> Params:
    """Return parameters as PHP parses brackets, such as `filter[>id]=5` and `select[]=id`."""
    result: Params = {}
    for name, value in pairs:
        outer, bracket, inner = name.partition("[")
        if not bracket:
            result[outer] = value
        elif inner.rstrip("]"):
            held = result.setdefault(outer, {})
            if isinstance(held, dict):
                held[inner.rstrip("]")] = value
        else:
            held = result.setdefault(outer, [])
            if isinstance(held, list):
                held.append(value)
    return result
