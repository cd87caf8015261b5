"""The service that creates and updates customers from the orders and events of the site."""

import json
from dataclasses import replace

from django.db import connection, transaction
from django.db.models import F, Q

from orders.models import Customer
from orders.services.locking import lock_names
from orders.sync.snapshot import CustomerSnapshot
from orders.sync.three_way_merge import Agreement, merge
from orders.values.phones import is_number


@transaction.atomic(savepoint=False)
def apply_customer(*, snapshot: CustomerSnapshot, current: Customer | None = None) -> tuple[Customer | None, bool]:
    """Create or update the customer that the snapshot describes. Return the customer and whether anything changed.

    `current` is the order's customer, if there is one. If the snapshot describes the same customer, no query is made to
    find the customer. A field that staff have corrected is not overwritten until the site changes it. Return `current`
    if the snapshot identifies no customer.
    """
    snapshot = _with_all_phones(snapshot)
    customer = current if current is not None and _is_same(current, snapshot) else _find(snapshot)
    if customer is not None and snapshot.contacts_only:
        phone = snapshot.fields.get("phone")
        if not phone and customer.name:
            return customer, False  # several people may order under this account, so a name alone identifies no one
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
    # Changes of customers are never sent to the site, so the site decides if both sides have changed a field.
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


def _with_all_phones(snapshot: CustomerSnapshot) -> CustomerSnapshot:
    """Return the snapshot with empty other phones if it has a phone and no others."""
    if "phone" not in snapshot.fields:
        return snapshot
    return replace(snapshot, fields={"other_phones": "", **snapshot.fields})


def _text(value: str | None) -> str:
    return value or ""


def _is_same(customer: Customer, snapshot: CustomerSnapshot) -> bool:
    if snapshot.contacts_only and customer.bitrix_user_id is None:
        # Several people may use the account, so only a phone in the snapshot identifies the customer.
        return (snapshot.fields.get("phone") or customer.phone) == customer.phone
    if snapshot.bitrix_user_id is None and not snapshot.fields.get("phone"):
        return True  # a name alone does not identify a different customer
    if snapshot.bitrix_user_id is not None:
        return customer.bitrix_user_id == snapshot.bitrix_user_id
    return bool(customer.phone) and customer.phone == snapshot.fields.get("phone", customer.phone)


def _number(snapshot: CustomerSnapshot) -> str | None:
    """Return the phone if it is a number. A text that could not be read identifies no one."""
    phone = snapshot.fields.get("phone") or ""
    return phone if is_number(phone) else None


def _find(snapshot: CustomerSnapshot) -> Customer | None:
    phone = _number(snapshot)
    if snapshot.bitrix_user_id is not None:
        known = Q(bitrix_user_id=snapshot.bitrix_user_id)
        if phone:
            # Staff may have created the customer in the CRM before the customer had an account on the site.
            known |= Q(phone=phone, bitrix_user_id=None)
        return Customer.objects.filter(known).order_by(F("bitrix_user_id").asc(nulls_last=True), "created_at").first()
    if phone is None:
        return None
    # Phones are not unique, so without the lock two orders could create the same customer twice.
    lock_names([f"customer {phone}"])
    return Customer.objects.filter(phone=phone).order_by("created_at").first()


def _create(snapshot: CustomerSnapshot) -> Customer:
    agreement = Agreement()
    agreement.settle({name: _text(value) for name, value in snapshot.fields.items()})
    customer = Customer(
        bitrix_user_id=snapshot.bitrix_user_id,
        name=_text(snapshot.fields.get("name")),
        phone=_text(snapshot.fields.get("phone")),
        other_phones=_text(snapshot.fields.get("other_phones")),
        email=snapshot.fields.get("email") or None,
        preferences=dict(snapshot.metadata),
        bitrix_state=agreement.as_json(),
    )
    customer.needs_attention = not (customer.name and customer.phone)
    if customer.bitrix_user_id is None:
        customer.save(force_insert=True)
        return customer
    # Two orders of one new customer may be received at the same time. The row that was inserted first is kept. Django's
    # upsert would not return the primary key of that row.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO users (
                bitrix_user_id, name, phone, other_phones, email, preferences, bitrix_state, needs_attention
            )
            VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s)
            ON CONFLICT (bitrix_user_id) DO UPDATE SET bitrix_user_id = excluded.bitrix_user_id
            RETURNING id
            """,
            [
                customer.bitrix_user_id,
                customer.name,
                customer.phone,
                customer.other_phones,
                customer.email,
                json.dumps(customer.preferences),
                json.dumps(customer.bitrix_state),
                customer.needs_attention,
            ],
        )
        customer.pk = cursor.fetchone()[0]
    return customer
