"""Read what the site can store, as the bridge reports it in its answer to a `ping`."""

from collections.abc import Mapping
from typing import Any

from bitrix_bridge.payloads.outgoing import COLUMNS, PROPERTIES
from orders.sync.site_storage import PRICE, QUANTITY, TEXTS, SiteLimits, TextLimit, known_charset, narrowest


def read_limits(pong: Mapping[str, Any]) -> SiteLimits | None:
    """Return the limits in the answer to a `ping`, or None if the bridge does not report them.

    A letter must exist both in the charset of the connection and in that of the column.
    """
    storage = pong.get("storage")
    if not isinstance(storage, Mapping):
        return None
    connection, columns, decimals = (storage.get(name) for name in ("charset", "columns", "decimals"))
    columns = columns if isinstance(columns, Mapping) else {}
    texts = {}
    for name in sorted(TEXTS):
        what = f"fields.{COLUMNS[name]}" if name in COLUMNS else f"properties.{PROPERTIES[name]}"
        column = columns.get(what, columns.get("properties") if name in PROPERTIES else None)
        column = column if isinstance(column, Mapping) else {}
        charset = narrowest([known_charset(connection), known_charset(column.get("charset"))])
        limit = TextLimit.from_json({**column, "charset": charset, "is_in_bytes": column.get("bytes")})
        if limit != TextLimit():
            texts[name] = limit
    return SiteLimits.from_json(
        {
            "texts": {name: limit.as_json() for name, limit in texts.items()},
            "decimals": {
                name: decimals[name]
                for name in (PRICE, QUANTITY)
                if isinstance(decimals, Mapping) and type(decimals.get(name)) is int
            },
        }
    )
