"""Compare the site's responses with the sandbox's responses, and leave out the differences that are expected.

Before the comparison, ids are replaced by consecutive numbers, versions by their increase, and the checksum by whether
it has changed. Times, messages of the site, and additional keys in the site's responses are not compared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from bitrix_bridge.site_check.calls import Reply
from bitrix_bridge.site_check.side_state import Side, rows, whole_number

Values = dict[str, Any]

MONEY = frozenset(
    {"PRICE", "BASE_PRICE", "DISCOUNT_PRICE", "QUANTITY", "PRICE_DELIVERY", "DISCOUNT_VALUE", "TAX_VALUE", "SUM_PAID"}
    | {"SUM", "price"}
)
NOT_COMPARED = frozenset(
    # Numbers, accounts and settings of the site itself.
    {"ID", "LID", "PERSON_TYPE_ID", "ACCOUNT_NUMBER", "USER_ID", "EMP_STATUS_ID", "RESPONSIBLE_ID", "COMPANY_ID"}
    | {"ALLOW_DELIVERY", "EXTERNAL_ORDER", "REASON_MARKED", "PAY_SYSTEM_NAME"}
    # The names that the site gives its own properties.
    | {"property_labels", "property_choices"}
    # Compared separately.
    | {"VERSION", "checksum", "properties", "basket", "payments", "user"}
)
PARTS = {"basket": "line", "payments": "payment"}


class Kind(StrEnum):
    """The kind of a difference. The module `sentences` contains the sentence for each kind."""

    FIELD = "field"
    MISSING = "missing"
    VERSION = "version"
    CHECKSUM = "checksum"
    REFUSED = "refused"
    NOT_REFUSED = "not_refused"
    OTHER_REFUSAL = "other_refusal"
    PART_REFUSED = "part_refused"
    PART_NOT_REFUSED = "part_not_refused"
    WARNING = "warning"
    NO_WARNING = "no_warning"
    NO_PROPERTY = "no_property"
    SETTING = "setting"
    NO_WEBHOOK = "no_webhook"
    NO_LAST_WEBHOOK = "no_last_webhook"


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between the site's value and the expected value. `message` is the site's own message."""

    kind: Kind
    name: str = ""
    site: Any = None
    expected: Any = None
    message: str = ""


class Checksum(StrEnum):
    """The state of a checksum. The checksum itself is an opaque string."""

    GIVEN = "given"
    CHANGED = "changed"
    SAME = "same"
    AS_READ = "as_read"
    OTHER = "other"


def compare_replies(site: Reply, expected: Reply, sides: tuple[Side, Side]) -> list[Difference]:
    """Return the differences of two responses to the same request. `compare_orders` compares the orders in them."""
    refusal, wanted = site.refusal, expected.refusal
    if refusal is not None and wanted is None:
        message = refusal.message
        return [Difference(Kind.REFUSED, refusal.code or f"HTTP {refusal.status}", refusal.step, message=message)]
    if refusal is None and wanted is not None:
        return [Difference(Kind.NOT_REFUSED, wanted.code, expected=wanted.status)]
    if refusal is not None and wanted is not None:
        pairs = [(one.status, one.code, one.step) for one in (refusal, wanted)]
        if pairs[0] != pairs[1]:
            return [Difference(Kind.OTHER_REFUSAL, site=pairs[0], expected=pairs[1], message=refusal.message)]
    found = list(_answer_differences(site.data, expected.data, sides))
    found += _part_differences(site.data, expected.data)
    found += _warning_differences(site.data, expected.data)
    return found


def _answer_differences(
    site: Mapping[str, Any], expected: Mapping[str, Any], sides: tuple[Side, Side]
) -> Iterator[Difference]:
    theirs, wanted = (_answer(answer, side) for answer, side in zip((site, expected), sides, strict=True))
    yield from _value_differences(theirs, wanted)
    if "orders" in expected:
        yield from _row_differences(rows(site.get("orders")), rows(expected["orders"]), sides)


def _answer(answer: Mapping[str, Any], side: Side) -> Values:
    values: Values = {name: answer[name] for name in ("created", "repeated", "deleted", "archived") if name in answer}
    if "order_id" in answer:
        values["order_id"] = side.order_id is not None and whole_number(answer["order_id"]) == side.order_id
    if "order_number" in answer:
        values["order_number"] = bool(answer["order_number"])
    if "version" in answer:
        values["version"] = _growth(answer["version"], side)
    current = answer.get("current")
    if isinstance(current, Mapping):
        values["current.status_id"] = current.get("status_id")
        values["current.version"] = _growth(current.get("version"), side)
    return values


def _growth(version: Any, side: Side) -> int | None:
    """Return the increase of a version since the order was last read; 0 for the first version."""
    number = whole_number(version)
    return None if number is None else number - (number if side.version is None else side.version)


def _row_differences(
    site: list[Mapping[str, Any]], expected: list[Mapping[str, Any]], sides: tuple[Side, Side]
) -> Iterator[Difference]:
    if len(site) != len(expected):
        yield Difference(Kind.FIELD, "orders.count", len(site), len(expected))
    for theirs, wanted in zip(site, expected, strict=False):
        if whole_number(theirs.get("order_id")) != sides[0].order_id:
            # The row belongs to a customer's order, so it is not part of the report.
            yield Difference(Kind.FIELD, "row.order_id", False, True)
            continue
        yield from _value_differences(*(_row(row, side) for row, side in zip((theirs, wanted), sides, strict=True)))


def _row(row: Mapping[str, Any], side: Side) -> Values:
    values: Values = {f"row.{name}": plain(name, value) for name, value in row.items() if not name.startswith("date_")}
    values["row.order_id"] = whole_number(row.get("order_id")) == side.order_id
    if "version" in row:
        values["row.version"] = _growth(row["version"], side)
    if "checksum" in row:
        is_same = bool(row["checksum"]) and row["checksum"] == side.order.get("checksum")
        values["row.checksum"] = Checksum.AS_READ if is_same else Checksum.OTHER
    return values


def compare_orders(site: Mapping[str, Any], expected: Mapping[str, Any], sides: tuple[Side, Side]) -> list[Difference]:
    """Return the differences of the two orders as they were just read. `sides` still contain the earlier state."""
    return list(_value_differences(*(_order(order, side) for order, side in zip((site, expected), sides, strict=True))))


def _order(order: Mapping[str, Any], side: Side) -> Values:
    values: Values = {}
    for name, value in order.items():
        if name not in NOT_COMPARED and not name.startswith("DATE_"):
            values[name] = side.equivalents.get(name, {}).get(str(value), None) or plain(name, value)
    values["VERSION"] = _growth(order.get("VERSION"), side)
    if order.get("checksum"):
        before = side.order.get("checksum")
        changed = Checksum.SAME if before == order["checksum"] else Checksum.CHANGED
        values["checksum"] = changed if before else Checksum.GIVEN
    properties = order.get("properties")
    for code, value in properties.items() if isinstance(properties, Mapping) else ():
        if side.codes is None or code in side.codes:
            values[f"properties.{code}"] = plain("", value[0] if isinstance(value, list) and len(value) == 1 else value)
    for part, kind in PARTS.items():
        found = rows(order.get(part))
        values[f"{part}.count"] = len(found)
        for place, row in enumerate(found, start=1):
            values |= {f"{part}.{place}.{name}": value for name, value in _part(kind, row, side).items()}
    user = order.get("user")
    values["user.EXTERNAL_AUTH_ID"] = plain("", user.get("EXTERNAL_AUTH_ID")) if isinstance(user, Mapping) else ""
    return values


def _part(kind: str, row: Mapping[str, Any], side: Side) -> Values:
    values: Values = {}
    for name, value in row.items():
        if name not in NOT_COMPARED and not name.startswith("DATE_"):
            values[name] = side.equivalents.get(name, {}).get(str(value), None) or plain(name, value)
    return values | {"ID": side.number(kind, row.get("ID"))}


def plain(name: str, value: Any) -> Any:
    """Return a value in a form that does not depend on PHP, Python or MySQL."""
    if name in MONEY:
        try:
            return Decimal(str(value)).normalize()
        except InvalidOperation:
            return str(value)
    return "" if value is None else value if isinstance(value, bool | list | dict) else str(value)


def _value_differences(site: Values, expected: Values) -> Iterator[Difference]:
    differing = {name for name, wanted in expected.items() if name not in site or site[name] != wanted}
    # Items or payments can't be paired if both sides have different numbers of them.
    unpaired = tuple(name.removesuffix("count") for name in differing if name.endswith(".count"))
    for name, wanted in expected.items():
        if name not in differing or (name.startswith(unpaired) and not name.endswith(".count")):
            continue
        if name not in site:
            yield Difference(Kind.MISSING, name, expected=wanted)
            continue
        last = name.rpartition(".")[2].lower()
        kind = {"version": Kind.VERSION, "checksum": Kind.CHECKSUM}.get(last, Kind.FIELD)
        yield Difference(kind, name, site[name], wanted)


def refused_parts(answer: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the refused parts of a response: name of the part -> code, message and step."""
    return {str(row.get("what")): row for row in rows(answer.get("refused"))}


def _part_differences(site: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[Difference]:
    theirs, wanted = refused_parts(site), refused_parts(expected)
    for what, row in theirs.items():
        if what not in wanted:
            message = str(row.get("message") or "")
            yield Difference(Kind.PART_REFUSED, what, str(row.get("code")), str(row.get("step")), message)
        else:
            pairs = [(200, str(one.get("code")), str(one.get("step"))) for one in (row, wanted[what])]
            if pairs[0] != pairs[1]:
                yield Difference(Kind.OTHER_REFUSAL, what, pairs[0], pairs[1], str(row.get("message") or ""))
    for what in wanted:
        if what not in theirs:
            yield Difference(Kind.PART_NOT_REFUSED, what, expected=str(wanted[what].get("code")))


def _warning_differences(site: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[Difference]:
    wanted = {str(row.get("code")) for row in rows(expected.get("warnings"))}
    seen = set()
    listed = site.get("warnings")
    for row in listed if isinstance(listed, list) else []:
        row = row if isinstance(row, Mapping) else {"message": row}
        code = str(row.get("code") or "")
        seen.add(code)
        if code not in wanted:
            yield Difference(Kind.WARNING, code, message=str(row.get("message") or ""))
    for code in sorted(wanted - seen):
        yield Difference(Kind.NO_WARNING, code)
