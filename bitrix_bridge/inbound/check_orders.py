"""Events about orders that `manage.py check_site` created. The inbox stores them and does not process them."""

from collections.abc import Mapping

from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads import is_check_order
from bitrix_bridge.payloads.identity import CHECK_XML_ID_PREFIX
from bitrix_bridge.payloads.translation import ABSENT, Fields


def is_about_check(row: WebhookEvent) -> bool:
    """Return whether the event is about an order that `manage.py check_site` created.

    A status change carries only the ID, so earlier events of the same order are searched for the XML_ID. A whole order
    without an XML_ID is not searched for: its sender does not support checks.
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
