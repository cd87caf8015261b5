"""Mask secrets, addresses and personal data in a report, so that the report can be sent to others."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from bitrix_bridge.payloads import is_check_order
from bitrix_bridge.site_check.side_state import rows
from cvety_crm.masking import MASK, truncate_masked

LISTS_WITH_ADDRESSES = frozenset({"cities", "shops", "slots"})
"""Lists of the reference data whose names may be addresses. The report contains only their length and columns."""

_URL = re.compile(r"https?:\\?/\\?/[^\s\"'<>«»]+", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NETWORK_ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
_PHONE = re.compile(r"(?<![\w-])\+?\d(?:[\s()-]{0,3}\d){9,14}(?![\w-])")


def mask_text(text: str) -> str:
    """Return the string with secrets, addresses and phones masked."""
    return _PHONE.sub(MASK, mask_value(text))


def mask_value(text: str) -> str:
    """Return the string with secrets and addresses masked.

    Phones are not masked, because ids and dates can look like phones.
    """
    text = _EMAIL.sub(MASK, _URL.sub(MASK, truncate_masked(text)))
    for host in _hosts():
        text = _pattern_of(host).sub(MASK, text)
    return _NETWORK_ADDRESS.sub(MASK, text)


def _pattern_of(host: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-])(?:[\w-]+\.)*{re.escape(host)}(?::\d+)?(?![\w-])", re.IGNORECASE)


def _hosts() -> Iterable[str]:
    hosts = [urlsplit(address).hostname or "" for address in (settings.BITRIX_API_URL, settings.BITRIX_REST_URL)]
    hosts += [host.strip(".*[]") for host in settings.ALLOWED_HOSTS]
    return sorted({host.removeprefix("www.") for host in hosts if host}, key=len, reverse=True)


def mask_answer(answer: Any, own_texts: frozenset[str], name: str = "") -> Any:
    """Return the site's response with secrets and personal data masked.

    `own_texts` are the strings in the check's requests. In the order's properties, all other strings are masked. All
    data of the customer is masked.
    """
    if isinstance(answer, Mapping):
        if _is_foreign_order(name, answer):
            return MASK
        if name == "user":
            return {key: _mask_person(key, value) for key, value in answer.items()}
        if name == "properties":
            return {key: _mask_property(value, own_texts) for key, value in answer.items()}
        return {str(key): _mask_list(str(key), value, own_texts) for key, value in answer.items()}
    if isinstance(answer, list):
        return [mask_answer(one, own_texts, name) for one in answer]
    if not isinstance(answer, str) or answer in own_texts:
        return answer
    return mask_text(answer) if name in ("message", "last_error", "REASON_MARKED") else mask_value(answer)


def _is_foreign_order(name: str, answer: Mapping[str, Any]) -> bool:
    """Return whether this is an order, or a row in a list of orders, that no site check created."""
    keys = {"order": "XML_ID", "orders": "xml_id"}
    return name in keys and not is_check_order(answer.get(keys[name]))


def _mask_list(name: str, value: Any, own_texts: frozenset[str]) -> Any:
    if name in LISTS_WITH_ADDRESSES:
        found = rows(value)
        return {"rows": len(found), "columns": sorted(found[0]) if found else []}
    return mask_answer(value, own_texts, name)


def _mask_person(name: str, value: Any) -> Any:
    return value if not value or name == "EXTERNAL_AUTH_ID" else MASK


def _mask_property(value: Any, own_texts: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_mask_property(one, own_texts) for one in value]
    return value if not value or value in own_texts else MASK


def texts_in(request: Any) -> set[str]:
    """Return all strings in a request."""
    if isinstance(request, Mapping):
        return {text for value in request.values() for text in texts_in(value)}
    if isinstance(request, list | tuple):
        return {text for value in request for text in texts_in(value)}
    return {request} if isinstance(request, str) else set()
