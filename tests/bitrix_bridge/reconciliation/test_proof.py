"""Test that a comparison finds all of 1,000 differences in 200 orders and no others, and none after the repair."""

import pytest

from bitrix_bridge.models import Difference
from orders import services
from orders.models import Order, OrderEvent, Reason
from tests.bitrix_bridge.reconciliation.conftest import deliver_all, found, outcomes

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(400)]

FIELDS = ("status", "total_amount", "payment_status", "is_cancelled", "version")


def change_on_site(site, order):
    """Change five fields on the site without an event."""
    version = str(int(site.site.order(order.bitrix_order_id)["VERSION"]) + 3)
    columns = {"STATUS_ID": "PD", "PRICE": "111.0000", "PAYED": "Y", "CANCELED": "Y", "VERSION": version}
    site.site.write_raw(order.bitrix_order_id, columns)


def change_here(order):
    """Change five fields in the CRM without a service. The payment is also changed in the agreement."""
    state = order.bitrix_state
    state["agreed"]["payment_status"] = "paid"
    Order.objects.filter(pk=order.pk).update(
        status="accepted",
        total_amount=22_222,
        payment_status="paid",
        is_cancelled=True,
        bitrix_version=99,
        bitrix_state=state,
    )


@pytest.mark.slow
def test_1000_differences_are_all_found_and_repaired(site, place, compare_sides, manager):
    orders = place(230)
    changed_on_site, changed_here, untouched = orders[:100], orders[100:200], orders[200:]
    for order in changed_on_site:
        change_on_site(site, order)
    for order in changed_here:
        change_here(order)
    for order in untouched[:20]:  # these changes are on their way, so they are no differences
        services.change_status(order_id=order.pk, status="accepted", actor=manager)
    site.site.delete_order(untouched[20].bitrix_order_id)
    services.mark_deleted(bitrix_order_id=untouched[20].bitrix_order_id)
    injected = {(order.bitrix_order_id, field) for order in changed_on_site + changed_here for field in FIELDS}
    assert len(injected) == 1000

    before = list(Order.objects.order_by("pk").values()), OrderEvent.objects.count()
    run = compare_sides()
    assert found(run) == injected
    assert (run.differences, Difference.objects.count()) == (1000, 1000)
    assert (run.compared, run.agreed, run.on_their_way) == (230, 10, 20)
    # The comparison has written nothing.
    assert (list(Order.objects.order_by("pk").values()), OrderEvent.objects.count()) == before

    repaired = compare_sides(repair=True)
    assert (repaired.differences, outcomes(repaired)) == (1000, {"repaired": 1000})
    assert (repaired.repaired, repaired.need_person) == (1000, 0)
    assert set(Difference.objects.filter(run=run).values_list("outcome", flat=True)) == {"gone"}
    assert site.site.writes == 0

    deliver_all()
    # No event has reported the items and payments that have changed on the site.
    assert found(compare_sides(repair=True)) == {(order.bitrix_order_id, "checksum") for order in changed_here}
    again = compare_sides()
    assert (again.differences, again.compared, again.agreed) == (0, 230, 230)
    for order in changed_on_site:
        order.refresh_from_db()
        assert (order.status_id, order.total_amount, order.is_cancelled) == ("delivering", 111, True)
        assert order.events.first().reason == Reason.COMPARED
    for order in changed_here:
        on_site = site.site.order(order.bitrix_order_id)
        assert (on_site["STATUS_ID"], on_site["PRICE"], on_site["CANCELED"]) == ("AP", "22222.0000", "Y")
        order.refresh_from_db()
        assert (order.payment_status, order.sync_state) == ("pending", "synced")
        assert order.bitrix_version == int(on_site["VERSION"])
        assert order.events.filter(reason=Reason.COMPARED, source="bitrix").exists()
