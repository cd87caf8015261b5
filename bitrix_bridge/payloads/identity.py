"""Read the ids of the object that a payload is about. Every payload must contain the object's Bitrix id."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from bitrix_bridge.payloads.amounts import read_id
from bitrix_bridge.payloads.dates import read_clock
from bitrix_bridge.payloads.translation import ABSENT, Fields, is_empty
from orders.sync.snapshot import CRM_XML_ID_PREFIX, ProblemReason

CHECK_XML_ID_PREFIX = "crm-check-"
"""The prefix of XML_ID in the orders that `manage.py check_site` creates on the site and deletes again."""

_CRM_XML_ID = re.compile(re.escape(CRM_XML_ID_PREFIX) + r"([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})", re.IGNORECASE)


_CHECKSUM = re.compile(r"[\w:.+/=-]{1,128}", re.ASCII)


class PayloadError(ValueError):
    """The payload has no valid id. `field` is the name of the field, `reason` describes the error in English."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def object_id(data: Mapping[str, Any]) -> int:
    """Return the object's Bitrix id, a positive integer that fits bigint. Raise `PayloadError` if it is not valid."""
    if not isinstance(data, Mapping):
        raise PayloadError("data", "data is not an object")
    raw = Fields(data).peek("ID")
    if raw is ABSENT:
        raise PayloadError("data.ID", "data.ID is missing")
    if is_empty(raw):
        raise PayloadError("data.ID", "data.ID is empty")
    reading = read_id(raw)
    if reading.value is not None:
        return reading.value
    if reading.reason is ProblemReason.OUT_OF_RANGE:
        raise PayloadError("data.ID", "data.ID is negative or does not fit 64 bits")
    raise PayloadError("data.ID", "data.ID is not a positive integer")


def read_checksum(raw: Any) -> str | None:
    """Return the checksum, or None if the value is not a valid checksum."""
    text = str(raw).strip() if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    return text if _CHECKSUM.fullmatch(text) else None


def deletion_time(data: Mapping[str, Any]) -> datetime | None:
    """Return when the object was deleted, or None if the event does not contain this time.

    The columns of the object are not used, because they contain the time of the last change before the deletion.
    """
    return read_clock(Fields(data).peek("webhook_timestamp")).value


def crm_order_id(xml_id: Any) -> UUID | None:
    """Return the id of the order in the CRM from the XML_ID `crm-<uuid>`, or None if the XML_ID is different."""
    match = _CRM_XML_ID.fullmatch(xml_id.strip()) if isinstance(xml_id, str) else None
    return UUID(match[1]) if match else None


def is_check_order(xml_id: Any) -> bool:
    """Return whether this is the `XML_ID` of an order that `manage.py check_site` created."""
    return isinstance(xml_id, str) and xml_id.strip().lower().startswith(CHECK_XML_ID_PREFIX)
