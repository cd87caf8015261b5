"""Noting the site's checksums of orders that are alike on both sides and final, many at once."""

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
    """An order, the version of it that was compared, and the checksum that the site lists."""

    order_id: UUID
    version: int | None
    checksum: str


def note_checksums(listed: Sequence[ListedChecksum]) -> None:
    """Note these checksums where none is known, and no event has reported the order since. One query, none for none.

    Nothing of the order changes: its timeline says nothing of it.
    """
    if not listed:
        return
    ids, versions = [one.order_id for one in listed], [one.version for one in listed]
    columns: list[Any] = [ids, versions, [one.checksum for one in listed]]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, columns)
