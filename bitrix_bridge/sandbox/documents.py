"""The documents that the site sends: an order in a webhook and a row of a list. All functions are pure."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from .pictures import picture_path
from .properties import names_of
from .reference import EMPTY_DELIVERY
from .values import Order, iso_time

# Columns that the checksum depends on. Raw SQL and the old API change them without an event, and change neither VERSION
# nor DATE_UPDATE.
CHECKED_LINE = ("ID", "PRODUCT_ID", "NAME", "PRICE", "BASE_PRICE", "QUANTITY")
CHECKED_PAYMENT = ("ID", "PAY_SYSTEM_ID", "SUM", "PAID")

# Keys that bridges and senders before 1.2 do not send.
NEW_IN_1_2 = frozenset({"payments", "checksum", "property_labels", "property_choices"})


def document(order: Order, properties: dict[str, Any], omitted_keys: frozenset[str] = frozenset()) -> Order:
    """Return a copy of a stored order in the format in which the site sends it, without the `omitted_keys`.

    `properties` contains a value for every property of the site.
    """
    shown = copy.deepcopy(order)
    shown["properties"] = copy.deepcopy(properties)
    shown["property_labels"] = names_of(properties)
    shown["property_choices"] = {}
    shown["basket"] = [
        {name: value for name, value in line.items() if not name.startswith("_")} for line in shown["basket"]
    ]
    if "checksum" not in omitted_keys:  # earlier senders know no pictures
        for line in shown["basket"]:
            if picture := picture_path(int(line["PRODUCT_ID"])):
                line["PICTURE"] = picture
    if shown["DELIVERY_ID"] == str(EMPTY_DELIVERY):
        shown["DELIVERY_ID"] = None
    shown["checksum"] = checksum(order, properties)
    return {name: value for name, value in shown.items() if name not in omitted_keys}


def checksum(order: Order, properties: dict[str, Any]) -> str:
    """Return an opaque string that depends on the order's properties, items and payments."""
    checked = [
        dict(sorted(properties.items())),
        [[line[name] for name in CHECKED_LINE] for line in order["basket"]],
        [[payment[name] for name in CHECKED_PAYMENT] for payment in order["payments"]],
    ]
    text = json.dumps(checked, ensure_ascii=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def row(order: Order, properties: dict[str, Any], omitted_keys: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the row of an order in a list for a comparison."""
    listed = {
        "order_id": int(order["ID"]),
        "xml_id": order["XML_ID"],
        "version": int(order["VERSION"]),
        "status_id": order["STATUS_ID"],
        "price": order["PRICE"],
        "payed": order["PAYED"],
        "canceled": order["CANCELED"],
        "date_update": iso_time(order["DATE_UPDATE"]),
        "checksum": checksum(order, properties),
    }
    return {name: value for name, value in listed.items() if name not in omitted_keys}


def archived_row(archived: dict[str, Any]) -> dict[str, Any]:
    """Return the row of an order that was moved to the archive."""
    return {"order_id": int(archived["ID"]), "xml_id": archived["XML_ID"], "archived": True}
