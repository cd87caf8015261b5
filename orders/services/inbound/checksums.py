"""The service that stores the site's checksums of final orders that a comparison has found equal on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

_NOTE = """
    UPDATE orders SET bitrix_state = jsonb_set(bitrix_state, '{checksum}', to_jsonb(listed.checksum))
    FROM unnest(%s::uuid[], %s::int[], %s::text[]) AS listed(id, version, checksum)
    WHERE orders.id = listed.id AND orders.bitrix_version IS NOT DISTINCT FROM listed.version
        AND bitrix_state ->> 'checksum' IS NULL
"""


@dataclass(frozen=True, slots=True)
class ListedChecksum:
    """The checksum that the site lists for an order, and the version of the order that was compared."""

    order_id: UUID
    version: int | None
    checksum: str


def note_checksums(listed: Sequence[ListedChecksum]) -> None:
    """Store the checksums of those orders that have no checksum yet and still have the compared version.

    This makes at most one query. No field of an order changes, so no timeline entry is written.
    """
    if not listed:
        return
    ids, versions = [one.order_id for one in listed], [one.version for one in listed]
    columns: list[Any] = [ids, versions, [one.checksum for one in listed]]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, columns)
