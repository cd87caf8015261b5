"""Create orders that another system posts to the webhook URL, and that the site does not have yet.

Only sources in `WEBHOOK_SOURCES_CREATED_ON_SITE` may post such orders. They have no id of the site. The CRM creates the
order as if staff had made it, and the usual push creates it on the site.
"""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings

from bitrix_bridge.payloads import PayloadError, read_order
from bitrix_bridge.payloads.translation import ABSENT, Fields, is_empty
from orders import services
from orders.models import Order, Product, Source
from orders.selectors.pay_systems import methods_of_systems
from orders.services import Caller, NewItem
from orders.sync.snapshot import CRM_XML_ID_PREFIX, ItemSnapshot, OrderSnapshot

EVENTS = ("order.create", "order.update")
_SITE_SOURCES = "onsale"
"""The sources of the site's own events begin with this text: the names of Bitrix's events."""
_OWN_IDS = ("XML_ID", "external_id", "order_number", "ACCOUNT_NUMBER")
_LONGEST_ID = 255
_FIELDS = (
    *("recipient_name", "recipient_phone", "delivery_address", "delivery_date", "delivery_slot", "city", "shop"),
    *("postcard_text", "comment", "courier_comment", "is_pickup", "is_anonymous", "is_surprise"),
    *("delivery_fee", "total_amount", "payment_method", "payment_status"),
)


def is_posted(event: str, data: Mapping[str, Any]) -> bool:
    """Return whether the event is about an order of another system that is to be created on the site."""
    sources = {source.strip().lower() for source in settings.WEBHOOK_SOURCES_CREATED_ON_SITE}
    if not sources or event.strip().lower() not in EVENTS:
        return False
    fields = Fields(data)
    source, site_id = fields.peek("webhook_source"), fields.peek("ID")
    name = source.strip().lower() if isinstance(source, str) else ""
    has_id = site_id is not ABSENT and not is_empty(site_id)
    return name in sources and not name.startswith(_SITE_SOURCES) and not has_id


def order_key(data: Mapping[str, Any]) -> UUID:
    """Return the primary key of a posted order. The same order always has the same key, so it is created only once.

    Raise `PayloadError` if the other system does not name its order, or names an order of the CRM.
    """
    fields = Fields(data)
    found = (fields.peek(name) for name in _OWN_IDS)
    own = next((str(raw).strip() for raw in found if isinstance(raw, str | int) and not is_empty(raw)), "")
    if not own or len(own) > _LONGEST_ID:
        raise PayloadError("data.XML_ID", "an order without data.ID needs its own id in data.XML_ID")
    if own.lower().startswith(CRM_XML_ID_PREFIX):
        raise PayloadError("data.XML_ID", "data.XML_ID names an order of the CRM")
    return uuid5(NAMESPACE_URL, f"{str(fields.peek('webhook_source')).strip().lower()}:{own}")


def create_posted(data: Mapping[str, Any]) -> tuple[Order, bool, OrderSnapshot]:
    """Create the order unless it exists. Return the order, whether it is new, and what was read.

    Raise `NotAllowedError` if the CRM could not create such an order for staff either.
    """
    key = order_key(data)
    known = Order.objects.filter(pk=key).first()
    # The reader needs an id of the site, which this order does not have yet.
    snapshot = read_order({**data, "ID": 1}, pay_systems=methods_of_systems())
    if known is not None:
        return known, False, snapshot
    customer = snapshot.customer.fields if snapshot.customer is not None else {}
    order = services.create_order(
        items=_items(snapshot.items or ()),
        actor=None,
        fields={name: snapshot.fields[name] for name in _FIELDS if snapshot.fields.get(name) not in (None, "")},
        caller=Caller(name=customer.get("name") or "", phone=customer.get("phone") or ""),
        order_id=key,
        source=Source.SYSTEM,
    )
    return order, True, snapshot


def _items(lines: tuple[ItemSnapshot, ...] | tuple[()]) -> list[NewItem]:
    ids = [line.bitrix_product_id for line in lines if line.bitrix_product_id]
    products = {product.bitrix_product_id: product for product in Product.objects.filter(bitrix_product_id__in=ids)}
    return [
        NewItem(
            product=products.get(line.bitrix_product_id),
            name=str(line.product_snapshot.get("name") or ""),
            quantity=line.quantity,
            price=line.price,
        )
        for line in lines
    ]
