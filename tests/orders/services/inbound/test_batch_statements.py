"""Tests of the number of statements of a batch of snapshots: it must not depend on the number of orders."""

from decimal import Decimal
from itertools import chain
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from bitrix_bridge.models import Push
from bitrix_bridge.payloads import read_order
from cvety_crm.outbox import State
from orders import services
from orders.models import Order, OrderEvent, Payment, Reason, Source, Stage, Status, SyncState
from orders.services.inbound.apply import apply_snapshots
from orders.services.inbound.batch import Arrived
from orders.services.inbound.origin import Origin
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db

FEW, MANY = 20, 200


def site_order(number: int, **changes: Any) -> dict[str, Any]:
    data = order_data(ID=str(number), ACCOUNT_NUMBER=str(number), USER_ID=str(number), basket=[], **changes)
    data["user"] = {**data["user"], "ID": str(number), "PERSONAL_PHONE": f"+7 701 55{number:05}"}
    return data | {"properties": {**data["properties"], "phone": f"+7 701 55{number:05}"}}


def apply(payloads: list[dict[str, Any]]) -> list[services.Applied]:
    origin = Origin(source=Source.SITE)
    return apply_snapshots([Arrived(read_order(data), origin) for data in payloads])


@pytest.fixture
def batches():
    """Return the payloads of two batches whose orders the CRM knows, one of few orders and one of many."""
    Status.objects.filter(bitrix_codes__contains=["AP"]).update(stage=Stage.MAKING)
    known = [site_order(number) for number in range(1, FEW + MANY + 2)]
    apply(known)
    return known[:FEW], known[FEW : FEW + MANY]


def statements_of(payloads: list[dict[str, Any]]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        apply(payloads)
    return [query["sql"] for query in captured]


def changed_on_site(known: list[dict[str, Any]], **changes: Any) -> list[dict[str, Any]]:
    return [next_version(data, **changes) for data in known]


def test_conflicts_take_as_many_statements_in_a_large_batch(batches):
    few, many = (changed_on_site(batch, USER_DESCRIPTION="с сайта") for batch in batches)
    Order.objects.update(comment="от менеджера")
    Push.objects.bulk_create(Push(order=order, state=State.FAILED) for order in Order.objects.all())
    first, second = statements_of(few), statements_of(many)
    assert len(first) == len(second), second
    assert OrderEvent.objects.filter(reason=Reason.OURS_STAYS).count() == FEW + MANY
    assert Order.objects.filter(comment="от менеджера", sync_state=SyncState.PENDING).count() == FEW + MANY
    pushes = Push.objects.values_list("state").annotate(Count("id")).order_by("state")
    assert dict(pushes) == {State.PENDING: FEW + MANY, State.CANCELLED: FEW + MANY, State.FAILED: 1}
    assert Push.objects.filter(state=State.PENDING).values_list("fields", flat=True)[0] == []


def test_conflicts_with_queued_pushes_take_as_many_statements_in_a_large_batch(batches):
    few, many = (changed_on_site(batch, USER_DESCRIPTION="с сайта", PRICE="10000") for batch in batches)
    Order.objects.update(comment="от менеджера")
    Push.objects.bulk_create(Push(order=order, fields=["comment"]) for order in Order.objects.all())
    first, second = statements_of(few), statements_of(many)
    assert len(first) == len(second), second
    queued = Push.objects.filter(fields=["comment", "total_amount"], state=State.PENDING)
    assert queued.count() == FEW + MANY
    assert Push.objects.count() == FEW + MANY + 1


def test_payments_problems_and_making_take_as_many_statements_in_a_large_batch(batches):
    changes = {"STATUS_ID": "AP", "PAYED": "Y", "SUM_PAID": "9000.00", "PRICE_DELIVERY": "много"}
    few, many = (changed_on_site(batch, **changes) for batch in batches)
    first, second = statements_of(few), statements_of(many)
    assert len(first) == len(second), second
    assert Payment.objects.filter(amount=Decimal(9000)).count() == FEW + MANY
    assert Order.objects.exclude(taken_at=None).count() == FEW + MANY
    assert OrderEvent.objects.filter(reason=Reason.UNREADABLE).count() == FEW + MANY
    # What is known already is not written again.
    apply(changed_on_site([*few, *many], COMMENTS="домофон 7"))
    assert OrderEvent.objects.filter(reason=Reason.UNREADABLE).count() == FEW + MANY
    assert Payment.objects.count() == FEW + MANY


def test_later_snapshots_of_a_batch_see_payments_and_problems_of_earlier_ones():
    paid = site_order(1, PAYED="Y", SUM_PAID="9000.00", PRICE_DELIVERY="много")
    more = next_version(paid, SUM_PAID="12000.00", PRICE="12000.00")
    most = next_version(more, SUM_PAID="15000.00", PRICE="15000.00")
    apply([paid, more, most])
    assert sorted(Payment.objects.values_list("amount", flat=True)) == [3000, 3000, 9000]
    assert OrderEvent.objects.filter(reason=Reason.UNREADABLE).count() == 1


def test_pushes_of_several_changes_of_one_order_are_one_push(batches):
    few, _many = batches
    Order.objects.update(comment="от менеджера", sync_state=SyncState.PENDING)
    price = changed_on_site(few[:3], PRICE="10000")
    fee = [next_version(data, PRICE_DELIVERY="2000") for data in price]
    apply(list(chain.from_iterable(zip(price, fee, strict=True))))
    assert list(Push.objects.values_list("fields", flat=True)) == [["delivery_fee", "total_amount"]] * 3
