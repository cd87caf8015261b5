"""The details of orders and items: what the site sent that has no column in the CRM. All functions are pure.

`Order.metadata` and `OrderItem.product_snapshot` contain this data as the site sent it. `labels` and `choices` in
`metadata` contain the site's own labels: of its properties, and of the chosen values of list properties.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import pgettext

from orders.models import Order, OrderItem
from orders.presentation.detail_labels import label_of, position_of
from orders.presentation.formatting import money
from orders.rules import site_details as rules
from orders.rules.visibility import HIDDEN, masked_phone
from orders.values.phone_masking import without_phones
from orders.values.phones import format_phone, normalize_phone

_CONTACTS = {"name": "name", "fio": "name", "phone": "phone", "email": "email"}
"""The properties with the contacts of the person who ordered, and the ends of the names of their columns."""
_NUMBERED = re.compile(r"(?<=.)#\d+$")
_PARTS = ("properties", "fields")
LONGEST = 160
"""The maximum number of characters of a value on a line. Pages show a longer value on demand."""
_MOST_ON_LINE = 12
"""The maximum number of details on one line."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One value that the site sent, with its label. `is_hidden` is True if the reader may not see the value."""

    code: str
    label: str
    value: str
    is_hidden: bool = False

    @property
    def short(self) -> str:
        """Return the value, cut to `LONGEST` characters."""
        return Truncator(self.value).chars(LONGEST)

    @property
    def is_cut(self) -> bool:
        """Return whether `short` is not the whole value."""
        return self.short != self.value


@dataclass(frozen=True, slots=True)
class _Reader:
    """What the reader may see, and the site's own labels."""

    phones: bool
    prices: bool
    labels: Mapping[str, Any]
    choices: Mapping[str, Any]

    def detail(self, code: str, value: Any, label: str = "", *, is_property: bool = False) -> Detail | None:
        """Return the detail, or None for a technical or empty value."""
        if rules.is_technical(code, is_property=is_property):
            return None
        text = self.text(code, value)
        if not text:
            return None
        label = label.strip() or _text_under(self.labels, _NUMBERED.sub("", code)) or label_of(code)
        if rules.is_amount(code) and not self.prices:
            return Detail(code, label, HIDDEN, is_hidden=True)
        return Detail(code, label, text)

    def text(self, code: str, value: Any) -> str:
        """Return a value as text, or an empty string if it says nothing."""
        if isinstance(value, Mapping):
            parts = (self.detail(str(key), inner) for key, inner in value.items())
            return "; ".join(f"{part.label}: {part.value}" for part in parts if part is not None)
        if isinstance(value, list | tuple):
            texts = [text for text in (self.text(code, inner) for inner in value) if text]
            return (" / " if any(isinstance(inner, Mapping) for inner in value) else ", ").join(texts)
        flag = rules.flag_of(value)
        if flag is not None:
            return pgettext("flag", "yes") if flag else pgettext("flag", "no")
        text = "" if value is None else str(value).strip()
        if chosen := _text_under(self.choices.get(code), text):
            return self._typed(chosen)
        return "" if rules.is_empty(code, text) else self._scalar(code, text)

    def _scalar(self, code: str, text: str) -> str:
        if rules.is_amount(code):
            return _amount(text)
        if rules.is_phone(code):
            if not self.phones:
                return masked_phone(text)
            number = normalize_phone(text)
            is_only_a_number = number.is_valid and not number.others and not any(map(str.isalpha, text))
            return format_phone(number.value) if is_only_a_number else text
        return self._typed(text)

    def _typed(self, text: str) -> str:
        return text if self.phones else without_phones(text)


def order_details(order: Order, *, phones: bool, prices: bool) -> list[Detail]:
    """Return the other data of an order for a reader who may see `phones` and `prices`, sorted."""
    reader = _reader(order, phones=phones, prices=prices)
    found = _details(order, reader, lambda code: True)
    found += [reader.detail(part, order.metadata.get(part)) for part in ("payments", "set_components")]
    return [detail for detail in found if detail is not None]


def property_details(order: Order) -> list[Detail]:
    """Return the details of an order that are properties, for a reader who may see everything."""
    reader = _reader(order, phones=True, prices=True)
    found = _details(order, reader, lambda code: True, parts=("properties",))
    return [detail for detail in found if detail is not None]


def item_property_details(snapshot: Mapping[str, Any]) -> list[Detail]:
    """Return the properties and the notes of an item, for a reader who may see everything."""
    found = _item_properties(snapshot, _Reader(True, True, {}, {}))
    return [detail for detail in found if detail is not None]


def item_details(item: OrderItem, *, phones: bool, prices: bool) -> list[Detail]:
    """Return the properties and the other data of an item for a reader who may see `phones` and `prices`."""
    snapshot: Mapping[str, Any] = item.product_snapshot
    reader = _Reader(phones, prices, {}, {})
    found = _item_properties(snapshot, reader)
    found += [reader.detail(code, value) for code, value in _object(snapshot.get("fields")).items()]
    return [detail for detail in found if detail is not None]


def plain_item_details(item: OrderItem) -> list[Detail]:
    """Return the details of an item for paper and messages: without prices, and with phones masked."""
    return [detail for detail in item_details(item, phones=False, prices=False) if not detail.is_hidden]


def courier_details(order: Order, *, phones: bool) -> list[Detail]:
    """Return the details of an order that its courier needs, such as the flat and the intercom."""
    reader = _reader(order, phones=phones, prices=False)
    found = _details(order, reader, lambda code: rules.is_for_courier(code, is_anonymous=order.is_anonymous))
    return [detail for detail in found if detail is not None]


def florist_details(order: Order) -> list[Detail]:
    """Return the details of an order that the florist needs, with phones masked."""
    found = _details(order, _reader(order, phones=False, prices=False), rules.is_for_florist)
    return [detail for detail in found if detail is not None]


def as_line(details: Sequence[Detail]) -> str:
    """Return the details on one line, such as `Size: 61 cm, Colour: white`. Long values are cut."""
    return ", ".join(f"{detail.label}: {' '.join(detail.short.split())}" for detail in details[:_MOST_ON_LINE])


def _reader(order: Order, *, phones: bool, prices: bool) -> _Reader:
    return _Reader(phones, prices, _object(order.metadata.get("labels")), _object(order.metadata.get("choices")))


def _details(
    order: Order, reader: _Reader, is_wanted: Callable[[str], bool], parts: Sequence[str] = _PARTS
) -> list[Detail | None]:
    """Return the wanted properties and columns of an order, sorted. PostgreSQL does not keep the sequence of keys.

    The names are checked first, so a caller that wants no contacts needs no customer.
    """
    found = [
        reader.detail(code, value, is_property=part == "properties")
        for part in parts
        for code, value in _object(order.metadata.get(part)).items()
        if is_wanted(code) and not rules.is_shown_as_column(code, value) and not _repeats_contact(order, code, value)
    ]
    return sorted(found, key=lambda detail: (position_of(detail.code), detail.label.lower()) if detail else (0, ""))


def _item_properties(snapshot: Mapping[str, Any], reader: _Reader) -> list[Detail | None]:
    found = [
        reader.detail(code, value, label, is_property=True)
        for code, label, value in _properties(snapshot.get("properties"))
    ]
    return [*found, reader.detail("notes", snapshot.get("notes"))]


def _properties(raw: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield the code, the label and the value of each property of an item, in any format that senders use."""
    if isinstance(raw, Mapping):
        rows: list[tuple[str, Any]] = [(str(key), value) for key, value in raw.items()]
    else:
        rows = [("", value) for value in raw] if isinstance(raw, list) else []
    for key, value in rows:
        fields = {rules.folded(str(name)): inner for name, inner in value.items()} if isinstance(value, Mapping) else {}
        if "value" in fields:
            label = str(fields.get("name") or "")
            yield str(fields.get("code") or key or label), label, fields["value"]
        elif key or fields:
            yield key or "properties", "", value


def _repeats_contact(order: Order, code: str, value: Any) -> bool:
    """Return whether a property is a contact that the page shows as one of the order or of its customer."""
    column = _CONTACTS.get(code.lower())
    if column is None:
        return False
    known = getattr(order, f"contact_{column}") or (getattr(order.customer, column) or "" if order.customer else "")
    sent = str(value or "").strip()
    if column == "phone":
        return known == normalize_phone(sent).value
    return " ".join(known.split()).casefold() == " ".join(sent.split()).casefold()


def _amount(text: str) -> str:
    try:
        value = Decimal(text.replace(",", ".").replace(" ", ""))
    except InvalidOperation:
        return text
    return money(value) if value.is_finite() and abs(value) < Decimal(10) ** 12 else text


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text_under(names: Any, key: str) -> str:
    """Return the text that an object has under a key, or an empty string."""
    found = names.get(key) if isinstance(names, Mapping) else None
    return found.strip() if isinstance(found, str) else ""
