"""The way back: which webhooks about the order of a check have arrived. Reads the inbox, writes nothing."""

from collections.abc import Mapping

from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads import is_check_order
from bitrix_bridge.payloads.identity import CHECK_XML_ID_PREFIX
from bitrix_bridge.payloads.translation import ABSENT, Fields


def is_about_check(row: WebhookEvent) -> bool:
    """Return whether an event is about an order that a check of the site has made.

    A sender that names only the ID is understood by what another has said of the same order before.
    """
    if not row.event.strip().lower().startswith("order."):
        return False
    data = row.payload.get("data")
    xml_id = Fields(data).peek("XML_ID") if isinstance(data, Mapping) else ABSENT
    if xml_id is not ABSENT:
        return is_check_order(xml_id)
    earlier = WebhookEvent.objects.filter(object_id=row.object_id, action=WebhookEvent.Action.IGNORED)
    return earlier.filter(payload__data__XML_ID__startswith=CHECK_XML_ID_PREFIX).exists()
