"""The function that moves orders to a different status when a code of the site is given to a different status."""

from collections.abc import Mapping
from uuid import UUID

from django.db import connection

from cvety_crm.users import User
from orders.models import Reason, Source, Status
from orders.timeline_payloads import StatusChanged

# These are single statements, because a code of the site may have tens of thousands of orders. The keys `agreed` and
# `site_status` belong to `Agreement.as_json`.
_MOVE = """
    WITH moved AS (
        SELECT id, status, bitrix_state->'agreed'->>'status' AS old, target.new, target.is_final
        FROM orders
        JOIN unnest(%(codes)s::text[], %(new)s::text[], %(final)s::boolean[]) AS target(bitrix_code, new, is_final)
            ON bitrix_state->>'site_status' = target.bitrix_code
        WHERE bitrix_state->'agreed'->>'status' <> target.new
        ORDER BY id FOR NO KEY UPDATE OF orders
    )
    UPDATE orders SET
        status = CASE WHEN moved.status = moved.old THEN moved.new ELSE moved.status END,
        bitrix_state = jsonb_set(bitrix_state, '{agreed,status}', to_jsonb(moved.new)),
        completed_at = CASE
            WHEN moved.status = moved.old AND moved.is_final
            THEN COALESCE(completed_at, bitrix_updated_at, now()) ELSE completed_at
        END,
        updated_at = now()
    FROM moved WHERE orders.id = moved.id
    RETURNING orders.id, moved.old, moved.new, moved.status = moved.old
"""
_RECORD = """
    INSERT INTO order_events (order_id, kind, source, actor_id, changes, reason, details)
    SELECT order_id, %(kind)s, %(source)s, %(actor)s,
        jsonb_build_array(jsonb_build_object('field', 'status', 'old', old, 'new', new)), %(reason)s, %(details)s::jsonb
    FROM unnest(%(orders)s::uuid[], %(old)s::text[], %(new)s::text[]) AS moved(order_id, old, new)
"""


def move_orders(targets: Mapping[str, Status], actor: User | None) -> int:
    """Move orders between statuses and return the number of moved orders. Call it inside a transaction.

    `targets` contains the new status of each moved code of the site. An order moves if the site has it in that code and
    staff have not changed its status since then. A status that staff have changed is kept. Nothing is pushed, because
    the order does not change on the site.
    """
    if not targets:
        return 0
    new, final = [row.code for row in targets.values()], [row.is_final for row in targets.values()]
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {"codes": list(targets), "new": new, "final": final})
        moved = [(order, old, status) for order, old, status, is_moved in cursor.fetchall() if is_moved]
    if moved:
        _record(moved, actor)
    return len(moved)


def _record(moved: list[tuple[UUID, str, str]], actor: User | None) -> None:
    """Write one timeline entry for each moved order."""
    payload = StatusChanged()
    with connection.cursor() as cursor:
        orders, old, new = (list(column) for column in zip(*moved, strict=True))
        values = {"orders": orders, "old": old, "new": new, "actor": actor.pk if actor else None}
        kind, source = str(payload.kind), str(Source.ADMIN if actor else Source.SYSTEM)
        details = connection.ops.adapt_json_value(payload.to_json(), None)
        cursor.execute(
            _RECORD,
            {**values, "kind": kind, "source": source, "reason": str(Reason.STATUS_MOVED), "details": details},
        )
