"""Recognize events about orders that `manage.py check_site` created. The inbox does not process such events."""

from collections.abc import Mapping

from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads import is_check_order
from bitrix_bridge.payloads.identity import CHECK_XML_ID_PREFIX
from bitrix_bridge.payloads.translation import ABSENT, Fields


def is_about_check(row: WebhookEvent) -> bool:
    """Return whether the event is about an order that `manage.py check_site` created.

    An event about a status change contains only the ID, so the XML_ID is searched for in earlier events of the same
    order. There is no such search for other events: a sender that omits the XML_ID does not support the site check.
    """
    event = row.event.strip().lower()
    if not event.startswith("order."):
        return False
    data = row.payload.get("data")
    xml_id = Fields(data).peek("XML_ID") if isinstance(data, Mapping) else ABSENT
    if xml_id is not ABSENT:
        return is_check_order(xml_id)
    if not event.startswith("order.status"):
        return False
    earlier = WebhookEvent.objects.filter(object_id=row.object_id, action=WebhookEvent.Action.IGNORED)
    return earlier.filter(payload__data__XML_ID__startswith=CHECK_XML_ID_PREFIX).exists()
