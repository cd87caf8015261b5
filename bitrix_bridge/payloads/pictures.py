"""Read the address of a picture: a path on the site, or a URL.

`b_iblock_element.DETAIL_PICTURE` is normally a number, the id of a row in `b_file`. Such a number is no address.
"""

import re
from collections.abc import Mapping
from typing import Any

from bitrix_bridge.payloads.amounts import read_whole_number
from bitrix_bridge.payloads.reading import Reading
from bitrix_bridge.payloads.translation import Fields, is_empty
from orders.sync.snapshot import ProblemReason
from orders.values.text import clean_line

MINIATURE = "ru_img_miniature"
"""The property in which the shop's site keeps the small picture of a product."""
_ADDRESS_KEYS = ("SRC", "URL", "src")
_SAFE_ADDRESS = re.compile(r"(?:https?://[^\s\\\"'<>]+|/(?![/\\])[^\\\"<>\x00-\x1f]*)", re.IGNORECASE)


def is_filled(raw: Any) -> bool:
    """Return whether a field contains anything. PHP's false means that there is no file."""
    return not is_empty(raw) and raw is not False


def is_file_id(raw: Any) -> bool:
    """Return whether a field contains the id of a file instead of an address."""
    return not isinstance(raw, bool) and bool(read_whole_number(raw).value)


def read_address(raw: Any) -> Reading[str]:
    """Read an address, also one that is sent as an object with the key SRC or URL."""
    address: Any = raw
    if isinstance(raw, Mapping):
        fields = Fields(raw)
        address = next((found for name in _ADDRESS_KEYS if isinstance(found := fields.peek(name), str)), None)
    if not isinstance(address, str):
        return Reading(reason=ProblemReason.NOT_TEXT)
    address = clean_line(address)
    if address.startswith("//"):
        address = f"https:{address}"
    if not _SAFE_ADDRESS.fullmatch(address):
        return Reading(reason=ProblemReason.OUT_OF_RANGE)
    return Reading(address)
