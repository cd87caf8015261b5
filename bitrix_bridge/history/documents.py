"""Convert an order of the site's database copy to the payload of a webhook, and collect reasons. Use no database.

The format is the format of `php/crm-webhook.php`, with payments and shipments, which a webhook does not contain.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bitrix_bridge.history import encodings
from bitrix_bridge.history.locations import Place
from bitrix_bridge.history.reasons import Code, Reason
from bitrix_bridge.history.source import Row
from bitrix_bridge.history.source_order import SourceOrder
from bitrix_bridge.payloads.basket import is_not_bought
from bitrix_bridge.payloads.dates import read_moment
from bitrix_bridge.payloads.names import fold
from bitrix_bridge.payloads.php_values import looks_serialized, unserialize
from orders.values.cities import same_name

_LEFT_OUT = frozenset({"RUNNING", "ORDER_ID", "SYSTEM", "SORT", "DATE_INSERT"})
_ZERO = re.compile(r"0000-00-00.*")
_DATES = ("DATE_INSERT", "DATE_UPDATE", "DATE_STATUS")
_AMOUNTS = ("PRICE", "PRICE_DELIVERY", "DISCOUNT_VALUE", "SUM_PAID")
_LONG_TEXTS = frozenset({"postcardText", "addressRecipient"})
"""Properties with long texts, which the site may have cut to the length of the column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Facts about the site's database copy that are read once, before the orders."""

    properties: Mapping[str, Row] = field(default_factory=dict)
    """Id -> definition of an order property. Each type of payer may have its own definition with the same code."""
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Id of an order property of the type list -> stored value -> name of the value."""
    repeated_numbers: frozenset[str] = frozenset()
    longest_value: int | None = None
    """The maximum length of a property value, in characters. It is the length of the column."""
    longest_comment: int | None = None
    is_faithful: bool = False
    """Whether the letters of most texts are intact. In that case, the site itself stores the texts that are broken."""
    places: dict[str, Place | None] = field(default_factory=dict)
    """Value of a property of the type LOCATION -> its city. It is filled for each batch of orders."""
    city_ids: dict[str, int] = field(default_factory=dict)
    """Name of a city, as `same_name` returns it -> the id of the city in the CRM."""


@dataclass(slots=True)
class Document:
    """An order in the format of a webhook, with the reasons that were found during the conversion."""

    data: dict[str, Any]
    is_faithful: bool = False
    reasons: list[Reason] = field(default_factory=list)

    def note(self, code: Code, subject: str = "") -> None:
        """Add a reason if the document does not contain it yet."""
        reason = Reason(code, subject)
        if reason not in self.reasons:
            self.reasons.append(reason)


def document(order: SourceOrder, knowledge: Knowledge) -> Document:
    """Return an order in the format of a webhook.

    The document contains all columns of the rows except technical columns (`_LEFT_OUT`). Missing data raises no error.
    """
    made = Document({}, knowledge.is_faithful)
    made.data = _whole(order.row, made)
    if order.is_archived:
        made.note(Code.ARCHIVED if order.is_whole else Code.ARCHIVED_IN_PART)
    _check_columns(order, made, knowledge)
    made.data["properties"] = _properties(order, made, knowledge)
    made.data["basket"] = _basket(order, made)
    if order.payments:
        made.data["PAYMENTS"] = [_without(_whole(row, made, "PAYMENTS.")) for row in order.payments]
    if order.shipments:
        made.data["SHIPMENTS"] = [_without(_whole(row, made, "SHIPMENTS.")) for row in order.shipments]
    made.data["user"] = _user(order, made)
    made.data = {name: value for name, value in made.data.items() if name != "RUNNING"}
    return made


def _check_columns(order: SourceOrder, made: Document, knowledge: Knowledge) -> None:
    data = made.data
    number = (data.get("ACCOUNT_NUMBER") or "").strip()
    if not number:
        made.note(Code.NO_NUMBER)
    elif number in knowledge.repeated_numbers:
        made.note(Code.REPEATED_NUMBER, number)
    for name in _DATES:
        if _is_zero(data.get(name)):
            made.note(Code.ZERO_DATE, name)
    if "DATE_INSERT" in data and (_is_zero(data["DATE_INSERT"]) or not data["DATE_INSERT"]):
        data["DATE_INSERT"] = earliest_date(order)
    for name in _AMOUNTS:
        if (data.get(name) or "").startswith("-"):
            made.note(Code.NEGATIVE_AMOUNT, name)
    if _is_cut(data.get("USER_DESCRIPTION"), knowledge.longest_comment):
        made.note(Code.CUT_TEXT, "USER_DESCRIPTION")


def earliest_date(order: SourceOrder) -> str | None:
    """Return the earliest date of the order's rows, or None if no row has a readable date."""
    found = [row.get("DATE_CREATE") for row in order.changes] + [row.get("DATE_INSERT") for row in order.lines]
    found += [order.row.get("DATE_STATUS"), order.row.get("DATE_UPDATE")]
    return min((moment for moment in found if moment and read_moment(moment).value), default=None)


# --- properties


def _properties(order: SourceOrder, made: Document, knowledge: Knowledge) -> list[dict[str, Any]]:
    properties = []
    for row in order.values:
        if (row.get("ENTITY_TYPE") or "ORDER") != "ORDER":
            _keep_shipment_property(row, made)
            continue
        definition = knowledge.properties.get(row.get("ORDER_PROPS_ID") or "")
        code = (definition.get("CODE") if definition else "") or row.get("CODE") or ""
        subject = code or row.get("NAME") or f"#{row.get('ORDER_PROPS_ID') or row.get('ID')}"
        if definition is None:
            made.note(Code.ORPHAN_PROPERTY, subject)
        value = _value(row, definition, subject, made)
        if code == "data" and isinstance(value, str) and _is_zero(value):
            made.note(Code.ZERO_DATE, "properties.data")
        if code in _LONG_TEXTS and isinstance(value, str) and _is_cut(value, knowledge.longest_value):
            made.note(Code.CUT_TEXT, f"properties.{code}")
        named = _names(row, definition, value, knowledge)
        properties.append({"CODE": code, "ORDER_PROPS_ID": row.get("ORDER_PROPS_ID"), "VALUE": value, **named})
    if not any(fold(one["CODE"]) == "city" and one["VALUE"] for one in properties):
        properties += _city_of_location(order, made, knowledge)
    return properties


def _names(row: Row, definition: Row | None, value: str | list[str], knowledge: Knowledge) -> dict[str, Any]:
    """Return the name of the property and the name of its chosen value, if the site's database copy has them."""
    label = (definition.get("NAME") if definition else "") or row.get("NAME") or ""
    chosen = knowledge.choices.get(row.get("ORDER_PROPS_ID") or "", {})
    names = [chosen.get(one) for one in value] if isinstance(value, list) else chosen.get(value)
    found = {"NAME": label if label.isascii() else encodings.repair(label) or label, "VALUE_NAME": names}
    return {key: name for key, name in found.items() if name and (key == "NAME" or chosen)}


def location_values(order: SourceOrder, knowledge: Knowledge) -> Iterator[str]:
    """Yield the values of the order's properties of the type LOCATION. The place of delivery comes first."""
    found = []
    for row in order.values:
        definition = knowledge.properties.get(row.get("ORDER_PROPS_ID") or "")
        is_of_order = (row.get("ENTITY_TYPE") or "ORDER") == "ORDER"
        if is_of_order and definition is not None and definition.get("TYPE") == "LOCATION" and row.get("VALUE"):
            found.append((definition.get("IS_LOCATION") != "Y", str(row["VALUE"]).strip()))
    yield from (value for _, value in sorted(found, key=lambda one: one[0]))


def _city_of_location(order: SourceOrder, made: Document, knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    unknown = []
    for value in location_values(order, knowledge):
        place = knowledge.places.get(value)
        # Some sites store the name in place of the code.
        if key := knowledge.city_ids.get(same_name(place.name if place else value)):
            yield {"CODE": "city", "ORDER_PROPS_ID": None, "VALUE": str(key)}
            return
        unknown.append(place.name if place else value)
    for subject in unknown:
        made.note(Code.UNKNOWN_LOCATION, subject)


def _value(row: Row, definition: Row | None, subject: str, made: Document) -> str | list[str]:
    text = row.get("VALUE") or ""
    is_multiple = definition is not None and definition.get("MULTIPLE") == "Y"
    if looks_serialized(text) and (is_multiple or text.startswith("a:")):
        try:
            values = unserialize(text)
        except ValueError:
            made.note(Code.BROKEN_VALUE, subject)
            return text
        found = values if isinstance(values, list) else list(values.values()) if isinstance(values, dict) else [values]
        return [_text(_as_php_prints(one), f"properties.{subject}", made) for one in found if one is not None]
    text = _text(text, f"properties.{subject}", made, is_repaired="VALUE" in row.repaired)
    if is_multiple and definition is not None and definition.get("TYPE") in ("ENUM", "FILE") and "," in text:
        # Version 14 of sale stored several choices or files as a string with commas.
        return [one.strip() for one in text.split(",") if one.strip()]
    return text


def _as_php_prints(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _keep_shipment_property(row: Row, made: Document) -> None:
    code = row.get("CODE") or f"#{row.get('ORDER_PROPS_ID') or row.get('ID')}"
    kept = made.data.setdefault("SHIPMENT_PROPERTIES", {})
    kept[code] = _text(row.get("VALUE") or "", f"SHIPMENT_PROPERTIES.{code}", made)


# --- items, customer


def _basket(order: SourceOrder, made: Document) -> list[dict[str, Any]]:
    """Return all rows of the basket. The reader of payloads leaves out the rows that were not bought."""
    lines: list[dict[str, Any]] = []
    for row in order.lines:
        line = _without(_whole(row, made, "basket."))
        properties = [
            {
                "CODE": one.get("CODE") or one.get("NAME") or "",
                "NAME": _text(one.get("NAME") or "", "basket.PROPS", made),
                "VALUE": _text(one.get("VALUE") or "", "basket.PROPS", made),
            }
            for one in order.line_properties.get(row.get("ID") or "", [])
        ]
        if properties:
            line["PROPS"] = properties
        lines.append(line)
        name = line.get("NAME") or f"#{line.get('ID')}"
        if is_not_bought(line):
            made.note(Code.NOT_BOUGHT, name)
            continue
        if (line.get("PRODUCT_ID") or "0") == "0":
            made.note(Code.NO_PRODUCT, name)
        if (line.get("PRICE") or "").startswith("-"):
            made.note(Code.NEGATIVE_AMOUNT, "basket.PRICE")
    if not lines:
        made.note(Code.NO_LINES)
    return lines


def _user(order: SourceOrder, made: Document) -> dict[str, Any] | None:
    user_id = order.row.get("USER_ID") or "0"
    if user_id == "0":
        made.note(Code.NO_USER)
        return None
    if order.user is None:
        made.note(Code.UNKNOWN_USER, user_id)
        return None
    user = _whole(order.user, made, "user.")
    # A phone that the customer has confirmed has priority over phones that the customer has only entered.
    return {"PHONE": order.phone, **user} if order.phone else user


# --- texts


def _whole(row: Row, made: Document, where: str = "") -> dict[str, Any]:
    whole: dict[str, Any] = dict(row)
    for name, text in row.items():
        # Most columns are empty or contain a number or a code, which can't be broken.
        if text and (not text.isascii() or "????" in text or name in row.repaired):
            whole[name] = _text(text, f"{where}{name}", made, is_repaired=name in row.repaired)
    return whole


def _without(line: dict[str, Any], names: Iterable[str] = _LEFT_OUT) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in names and value is not None}


def _text(text: str, subject: str, made: Document, *, is_repaired: bool = False) -> str:
    repaired = Code.REPAIRED_ON_SITE if made.is_faithful else Code.REPAIRED_TEXT
    lost = Code.LOST_ON_SITE if made.is_faithful else Code.LOST_CHARACTERS
    if is_repaired:
        made.note(repaired, subject)
    if text.isascii():
        if "????" in text and encodings.has_lost_characters(text):
            made.note(lost, subject)
        return text
    whole = encodings.repair(text)
    if whole is not None:
        made.note(repaired, subject)
        return whole
    if encodings.is_broken(text):
        made.note(Code.BROKEN_ON_SITE if made.is_faithful else Code.BROKEN_TEXT, subject)
    elif encodings.has_lost_characters(text):
        made.note(lost, subject)
    return text


def _is_zero(text: str | None) -> bool:
    return text is not None and _ZERO.fullmatch(text) is not None


def _is_cut(text: str | None, longest: int | None) -> bool:
    return bool(text) and longest is not None and len(text or "") >= longest
