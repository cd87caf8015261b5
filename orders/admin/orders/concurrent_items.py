"""The posted items of an order are combined with the stored items, which may have changed since the page was loaded.

The form posts the items that the page showed. Since then, a colleague or the site may have added, removed or replaced
items. No change may be lost. Stored items and items that the user has edited or added are kept. An item that the user
has edited but that is no longer stored is added again as a new item.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from django.http import QueryDict
from django.utils.translation import gettext

from orders.admin.orders.lost_update_guard import BothChanged
from orders.models import OrderItem
from orders.presentation.formatting import NBSP, number, plain, unit_price
from orders.presentation.payment import unknown_text

Line = Mapping[str, str]
"""The posted values of one item, by field."""
SEEN = "initial-"


def merge_stored_lines(data: QueryDict, prefix: str, stored: Sequence[OrderItem]) -> list[BothChanged]:
    """Replace the items in a formset's posted data with the stored items, and return the differences.

    New items are kept. If the page showed exactly the stored items, replace nothing.
    """
    try:
        initial, total = (int(str(data[f"{prefix}-{name}_FORMS"])) for name in ("INITIAL", "TOTAL"))
    except (KeyError, ValueError):
        return []  # the formset itself reports the error
    posted = [_line(data, f"{prefix}-{index}-") for index in range(min(total, 1000))]
    shown = {line["id"]: line for line in posted[:initial] if line.get("id")}
    rows = {str(item.pk): item for item in stored}
    if set(shown) == set(rows):
        return []
    gone = [line for key, line in shown.items() if key not in rows]
    added = [item for key, item in rows.items() if key not in shown]
    lines = [shown.get(key) or _as_line(item) for key, item in rows.items()]
    new = [*posted[initial:], *(_as_new(line) for line in gone if _is_touched(line))]
    _write(data, prefix, lines, new)
    return [*(_added(item) for item in added), *(_gone(line) for line in gone)]


def _line(data: QueryDict, prefix: str) -> dict[str, str]:
    line = {name[len(prefix) :]: str(data[name]) for name in data if name.startswith(prefix)}
    seen = f"{SEEN}{prefix}"
    return line | {SEEN + name[len(seen) :]: str(data[name]) for name in data if name.startswith(seen)}


def _as_line(item: OrderItem) -> Line:
    values = {"quantity": item.quantity, "price": item.price}
    numbers = {name: "" if item.is_unknown(name) else str(plain(value)) for name, value in values.items()}
    return {"id": str(item.pk), **numbers, **{SEEN + name: value for name, value in numbers.items()}}


def _as_new(line: Line) -> Line:
    return {
        "id": "",
        "product": "",
        "name": line.get("product", ""),
        "quantity": line.get("quantity", ""),
        "price": line.get("price", ""),
    }


def _is_touched(line: Line) -> bool:
    """Return whether the user has edited the quantity or the price. Return False for an item that the user removes."""
    if line.get("DELETE"):
        return False
    return any(_decimal(line.get(name)) != _decimal(line.get(SEEN + name)) for name in ("quantity", "price"))


def _write(data: QueryDict, prefix: str, lines: Sequence[Line], new: Sequence[Line]) -> None:
    order = data.get(f"{prefix}-0-order", "")
    for name in [name for name in data if name.removeprefix(SEEN).startswith(f"{prefix}-")]:
        if not name.endswith("_FORMS") and "__prefix__" not in name:
            del data[name]
    for index, line in enumerate((*lines, *new)):
        for name, value in {"order": order, **line}.items():
            plain = name.removeprefix(SEEN)
            data[f"{SEEN if plain != name else ''}{prefix}-{index}-{plain}"] = value
    data[f"{prefix}-INITIAL_FORMS"] = str(len(lines))
    data[f"{prefix}-TOTAL_FORMS"] = str(len(lines) + len(new))


def _added(item: OrderItem) -> BothChanged:
    return BothChanged("items", item.name, was="—", theirs=item_text(item), yours="—")


def _gone(line: Line) -> BothChanged:
    if line.get("DELETE"):
        yours = gettext("removed")
    elif _is_touched(line):
        yours = line_text(line.get("quantity"), line.get("price"))
    else:
        yours = gettext("unchanged")
    return BothChanged(
        "items",
        line.get("product") or gettext("An item"),
        was=line_text(line.get(SEEN + "quantity"), line.get(SEEN + "price")),
        theirs=gettext("removed"),
        yours=yours,
    )


def item_text(item: OrderItem, stored: Mapping[str, Decimal] | None = None) -> str:
    """Return the quantity and the price of a stored item, like `line_text`. Return an unknown value as a text.

    `stored` are the stored numbers, if a form has changed the item in memory.
    """
    numbers = stored or {"quantity": item.quantity, "price": item.price}
    shown = {
        name: unknown_text(item.unknown_values[name]) if item.is_unknown(name) else number
        for name, number in numbers.items()
    }
    return line_text(shown["quantity"], shown["price"])


def line_text(quantity: str | Decimal | None, price: str | Decimal | None) -> str:
    """Return the quantity and the price of an item as `2 × 7 500 ₸`. A string that is not a number is not changed."""
    count, each = _decimal(quantity), _decimal(price)
    quantity_words = quantity or "—" if count is None else number(count)
    price_words = price or "—" if each is None else unit_price(each)
    return f"{quantity_words}{NBSP}×{NBSP}{price_words}"


def _decimal(value: str | Decimal | None) -> Decimal | None:
    try:
        decimal = Decimal(str(value or "").replace(",", ".").replace(NBSP, "").replace(" ", ""))
    except InvalidOperation:
        return None
    return decimal if decimal.is_finite() else None
