"""Customers, as the site's orders and events describe them."""

import json
from dataclasses import replace

from django.db import connection, transaction
from django.db.models import F, Q

from orders.models import Customer
from orders.services.locking import lock_names
from orders.sync.snapshot import CustomerSnapshot
from orders.sync.three_way_merge import Agreement, merge


@transaction.atomic(savepoint=False)
def apply_customer(*, snapshot: CustomerSnapshot, current: Customer | None = None) -> tuple[Customer | None, bool]:
    """Create or update the customer that the site describes; return him and whether anything changed.

    `current` is the order's customer, if it has one: when the snapshot is of the same person no query is made. What
    staff have corrected here stays until the site itself changes that field. None when nothing is known of him.
    """
    customer = current if current is not None and _is_same(current, snapshot) else _find(snapshot)
    if customer is not None and snapshot.contacts_only:
        phone = snapshot.fields.get("phone")
        if not phone and customer.name:
            return customer, False  # a name alone may be anybody's who orders under this account
        if phone and customer.phone and customer.phone != phone:
            snapshot = replace(snapshot, bitrix_user_id=None)
            customer = _find(snapshot)
    if customer is None:
        if snapshot.bitrix_user_id is None and not any(snapshot.fields.values()):
            return current, False
        return _create(snapshot), True

    agreement = Agreement.from_json(customer.bitrix_state)
    before = agreement.as_json()
    ours = {name: _text(getattr(customer, name)) for name in snapshot.fields}
    theirs = {name: _text(value) for name, value in snapshot.fields.items()}
    # The site is never told of a customer, so where both have changed him it decides.
    taken = list(merge(agreement, ours=ours, theirs=theirs, site_decides=theirs.keys()).taken)
    for name in taken:
        setattr(customer, name, snapshot.fields[name] if name == "email" else theirs[name])
    if customer.bitrix_user_id is None and snapshot.bitrix_user_id is not None and not snapshot.contacts_only:
        customer.bitrix_user_id = snapshot.bitrix_user_id
        taken.append("bitrix_user_id")
    if customer.needs_attention and customer.name and customer.phone:
        customer.needs_attention = False
        taken.append("needs_attention")
    customer.bitrix_state = agreement.as_json()
    if taken or customer.bitrix_state != before:
        customer.save(update_fields=[*taken, "bitrix_state", "updated_at"])
    return customer, bool(taken)


def _text(value: str | None) -> str:
    return value or ""


def _is_same(customer: Customer, snapshot: CustomerSnapshot) -> bool:
    if snapshot.contacts_only and customer.bitrix_user_id is None:
        # The account is not his alone, so it does not tell him from others; his phone does, if it comes along.
        return (snapshot.fields.get("phone") or customer.phone) == customer.phone
    if snapshot.bitrix_user_id is None and not snapshot.fields.get("phone"):
        return True  # a name alone tells nobody from anybody
    if snapshot.bitrix_user_id is not None:
        return customer.bitrix_user_id == snapshot.bitrix_user_id
    return bool(customer.phone) and customer.phone == snapshot.fields.get("phone", customer.phone)


def _find(snapshot: CustomerSnapshot) -> Customer | None:
    phone = snapshot.fields.get("phone") or None
    if snapshot.bitrix_user_id is not None:
        known = Q(bitrix_user_id=snapshot.bitrix_user_id)
        if phone:
            # Or somebody who was entered here before the site had an account of his.
            known |= Q(phone=phone, bitrix_user_id=None)
        return Customer.objects.filter(known).order_by(F("bitrix_user_id").asc(nulls_last=True), "created_at").first()
    if phone is None:
        return None
    # Nothing unique to lean on: two orders of one new caller must not make him twice.
    lock_names([f"customer {phone}"])
    return Customer.objects.filter(phone=phone).order_by("created_at").first()


def _create(snapshot: CustomerSnapshot) -> Customer:
    agreement = Agreement()
    agreement.settle({name: _text(value) for name, value in snapshot.fields.items()})
    customer = Customer(
        bitrix_user_id=snapshot.bitrix_user_id,
        name=_text(snapshot.fields.get("name")),
        phone=_text(snapshot.fields.get("phone")),
        email=snapshot.fields.get("email") or None,
        preferences=dict(snapshot.metadata),
        bitrix_state=agreement.as_json(),
    )
    customer.needs_attention = not (customer.name and customer.phone)
    if customer.bitrix_user_id is None:
        customer.save(force_insert=True)
        return customer
    # Two orders of one new customer may come at once: the row that is there first stays. (Django's own upsert does
    # not tell its key.)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO users (bitrix_user_id, name, phone, email, preferences, bitrix_state, needs_attention)
            VALUES (%s, %s, %s, %s, %s::jsonb, %s::jsonb, %s)
            ON CONFLICT (bitrix_user_id) DO UPDATE SET bitrix_user_id = excluded.bitrix_user_id
            RETURNING id
            """,
            [
                customer.bitrix_user_id,
                customer.name,
                customer.phone,
                customer.email,
                json.dumps(customer.preferences),
                json.dumps(customer.bitrix_state),
                customer.needs_attention,
            ],
        )
        customer.pk = cursor.fetchone()[0]
    return customer
