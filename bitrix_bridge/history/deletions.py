"""Process deletions on the site that happened after its database was copied, but before the import."""

from collections.abc import Iterable
from uuid import UUID

from bitrix_bridge.models import WebhookEvent
from orders import services


def mark_deleted_orders(bitrix_order_ids: Iterable[int]) -> None:
    """Mark the newly imported orders that the site has deleted. Without the mark, they would be active in the CRM."""
    for key, event_id in _deletions("order.delete", bitrix_order_ids).items():
        services.mark_deleted(bitrix_order_id=key, webhook_event_id=event_id)


def retire_deleted_products(bitrix_product_ids: Iterable[int]) -> None:
    """Retire the products that the site has deleted."""
    for key in _deletions("product.delete", bitrix_product_ids):
        services.retire_product(bitrix_product_id=key)


def _deletions(event: str, ids: Iterable[int]) -> dict[int, UUID]:
    """Return the event about the latest deletion of each id. `bitrix_bridge.retention` never deletes such events."""
    wanted = list(ids)
    if not wanted:
        return {}
    found = WebhookEvent.objects.filter(object_id__in=wanted, event__iexact=event).order_by("created_at")
    return {key: event_id for key, event_id in found.values_list("object_id", "pk") if key is not None}
