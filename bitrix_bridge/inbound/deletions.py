"""Find the events that report the deletion of an object, which may arrive before the events about the object."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from uuid import UUID

from django.db.models import BigIntegerField

from bitrix_bridge.inbound.handling import data_of
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads import deletion_time
from cvety_crm.composed_statements import AnyOf, ModelStatement


def deletions_of(event: str, announced: Mapping[int, datetime | None]) -> dict[int, UUID]:
    """Return the ids of the events that report the deletion of objects, with one query, without those that exist.

    `announced` has the ids of the objects, and when the site has sent the events that say that they exist. Bitrix never
    reuses an id, so an event about a deleted object has usually arrived late. The object exists again only if both
    events have a time and the deletion is earlier: the site was then restored from a backup.
    """
    return {
        object_id: deletion.pk
        for object_id, deletion in _newest(event, announced.keys()).items()
        if not _is_back(deletion, announced[object_id])
    }


def _newest(event: str, objects: Collection[int]) -> dict[int, WebhookEvent]:
    found = _deletions(event).objects({"objects": list(objects)}) if objects else []
    return {row.object_id: row for row in found if row.object_id is not None}


def _is_back(deletion: WebhookEvent, announced_at: datetime | None) -> bool:
    deleted_at = deletion_time(data_of(deletion))
    return announced_at is not None and deleted_at is not None and deleted_at < announced_at


@cache
def _deletions(event: str) -> ModelStatement[WebhookEvent]:
    """Return the statement that finds the newest event with this name about each of some objects."""
    found = WebhookEvent.objects.filter(AnyOf("object_id", "objects", BigIntegerField()), event__iexact=event)
    return ModelStatement(found.order_by("object_id", "-created_at").distinct("object_id"))
