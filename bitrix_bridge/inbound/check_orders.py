"""Events about orders that `manage.py check_site` created. They are kept in the inbox and not processed."""

from collections.abc import Mapping

from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads import is_check_order
from bitrix_bridge.payloads.identity import CHECK_XML_ID_PREFIX
from bitrix_bridge.payloads.translation import ABSENT, Fields


def is_about_check(row: WebhookEvent) -> bool:
    """Return whether an event is about an order that a check of the site has made.

    A status alone names only the ID: it is understood by what was said of the same order before. Whole orders without
    an XML_ID come from senders that know nothing of checks, and are not looked up.
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
