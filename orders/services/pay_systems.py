"""The service by which staff choose the payment method of a pay system. The orders of the pay system get it at once."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import ENTERED_METHOD, Order, PaymentMethod, PaySystem, Reason, Source
from orders.sync.unknown import ANSWERED, system_token
from orders.timeline_payloads import FieldsChanged

# These are single statements, because a pay system may have tens of thousands of orders. `before` and `after` are the
# methods that the site's order has by the earlier and by the present choice. What the customer has entered counts if
# none is chosen, and an empty method is unknown. An order follows the choice unless staff have set its method.
# The key `agreed` belongs to `Agreement.as_json`.
_APPLY = """
    WITH of_system AS (
        SELECT id, payment_method AS old, unknown_values, metadata,
            unknown_values ? 'payment_method' AS was_unknown,
            COALESCE(bitrix_state->'agreed'->>'payment_method', '') AS agreed,
            COALESCE(NULLIF(%(before)s::text, ''), metadata->%(entered)s->>'method', '') AS before,
            COALESCE(NULLIF(%(after)s::text, ''), metadata->%(entered)s->>'method', '') AS after
        FROM orders WHERE bitrix_pay_system_id = %(system)s
        ORDER BY id FOR NO KEY UPDATE
    ), judged AS (
        SELECT *, was_unknown OR (
            NOT COALESCE(metadata->%(answered)s ? 'payment_method', false)
            AND old = agreed AND old = before AND before <> ''
        ) AS follows
        FROM of_system
    ), changed AS (
        SELECT *, follows AND (was_unknown <> (after = '') OR (after <> '' AND old <> after)) AS is_changed FROM judged
    )
    UPDATE orders SET
        payment_method = CASE WHEN is_changed THEN after ELSE old END,
        unknown_values = CASE
            WHEN NOT is_changed THEN changed.unknown_values
            WHEN after <> '' THEN changed.unknown_values - 'payment_method'
            ELSE changed.unknown_values || jsonb_build_object(
                'payment_method',
                concat_ws(', ', NULLIF(changed.metadata->%(entered)s->>'text', ''), %(token)s::text)
            )
        END,
        bitrix_state = jsonb_set(
            jsonb_set(bitrix_state, '{agreed}', COALESCE(bitrix_state->'agreed', '{}')),
            '{agreed,payment_method}', to_jsonb(after)
        ),
        updated_at = now()
    FROM changed
    WHERE orders.id = changed.id AND (is_changed OR (NOT follows AND agreed = before AND before <> after))
    RETURNING orders.id, CASE WHEN was_unknown THEN NULL ELSE old END, NULLIF(after, ''), is_changed
"""
_RECORD = """
    INSERT INTO order_events (order_id, kind, source, actor_id, changes, reason, details)
    SELECT order_id, %(kind)s, %(source)s, %(actor)s,
        jsonb_build_array(jsonb_build_object('field', 'payment_method', 'old', old, 'new', new)),
        %(reason)s, %(details)s::jsonb
    FROM unnest(%(orders)s::uuid[], %(old)s::text[], %(new)s::text[]) AS changed(order_id, old, new)
"""


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """The result of choosing the payment method of a pay system."""

    system: PaySystem
    orders: int
    """The number of orders whose payment method has changed."""
    kept: int
    """The number of orders that keep a different method, which staff have set."""


def save_pay_system(system: PaySystem, *, changed: Collection[str]) -> None:
    """Insert a new pay system, or save its `changed` columns. The payment method is not among them: a choice of it
    changes orders (`choose_payment_method`)."""
    if system._state.adding:
        system.save(force_insert=True)
    elif changed:
        system.save(update_fields=[*(set(changed) - {"payment_method"}), "updated_at"])


@transaction.atomic
def choose_payment_method(*, bitrix_id: int, method: str, actor: User | None) -> MethodChoice:
    """Set the payment method of a pay system, and of its orders unless staff have set theirs.

    An empty method makes the method of these orders unknown again, except where the customer has entered one. Nothing
    is pushed, because the orders do not change on the site. Raise `NotAllowedError` if there is no such pay system or
    no such method.
    """
    if method and method not in PaymentMethod.values:
        raise NotAllowedError(gettext("There is no such payment method."))
    # `no_key` does not block a transaction that has locked an order and is giving it this pay system.
    system = PaySystem.objects.select_for_update(no_key=True).filter(bitrix_id=bitrix_id).first()
    if system is None:
        raise NotAllowedError(gettext("There is no such pay system: № %(id)s.") % {"id": bitrix_id})
    changed = _apply(system, method)
    system.payment_method, system.chosen_at, system.chosen_by = method, timezone.now(), actor
    system.save(update_fields=["payment_method", "chosen_at", "chosen_by", "updated_at"])
    if changed:
        _record(changed, actor)
    others = Order.objects.filter(pay_system=system).exclude(payment_method__in=["", method])
    kept = others.exclude(unknown_values__has_key="payment_method").count() if method else 0
    return MethodChoice(system, len(changed), kept)


def _apply(system: PaySystem, method: str) -> list[tuple[UUID, str | None, str | None]]:
    """Set the method of the orders. Return the id, the old and the new method of each order that has changed."""
    values: dict[str, Any] = {"system": system.bitrix_id, "before": system.payment_method, "after": method}
    keys = {"entered": ENTERED_METHOD, "answered": ANSWERED, "token": system_token(system.bitrix_id)}
    with connection.cursor() as cursor:
        cursor.execute(_APPLY, values | keys)
        return [(key, old, new) for key, old, new, is_changed in cursor.fetchall() if is_changed]


def _record(changed: list[tuple[UUID, str | None, str | None]], actor: User | None) -> None:
    """Write one timeline entry for each changed order."""
    payload = FieldsChanged()
    orders, old, new = (list(column) for column in zip(*changed, strict=True))
    values: dict[str, Any] = {"orders": orders, "old": old, "new": new, "actor": actor.pk if actor else None}
    values |= {"kind": str(payload.kind), "source": str(Source.ADMIN if actor else Source.SYSTEM)}
    values |= {"reason": str(Reason.PAY_SYSTEM)}
    with connection.cursor() as cursor:
        values["details"] = connection.ops.adapt_json_value(payload.to_json(), None)
        cursor.execute(_RECORD, values)
