"""Tests of pushes of a status that was questioned after staff had chosen it: it is not sent, other fields are."""

import pytest

from bitrix_bridge.models import Push
from bitrix_bridge.payloads.reference import read_reference
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import deliver_due
from orders import services
from tests.bitrix_bridge.outbound.test_delivery import change
from tests.bitrix_bridge.outbound.test_one_save import edit, order_on_site, sent

pytestmark = pytest.mark.django_db


def question():
    services.apply_reference(snapshot=read_reference({"statuses": [{"id": "DE", "name": "В пути"}]}))


@pytest.fixture(params=["1.1", "1.2"], ids=["separate requests", "one request"])
def bridge(bridge_of_version, request):
    return bridge_of_version(request.param)


def test_status_is_not_sent_and_other_fields_are(site, bridge, shared_order, manager):
    edit(shared_order, manager, comment="без лилий")
    change(shared_order, "declined", manager)
    question()
    deliver_due()
    row = order_on_site(site, shared_order)
    assert (row["STATUS_ID"], row["USER_DESCRIPTION"]) == ("N", "без лилий")
    assert all("STATUS_ID" not in body.get("fields", {}) for _, body in sent(site))
    push = Push.objects.get()
    assert (push.state, shared_order.sync_state) == ("failed", "failed")
    assert "«Отклонён» не отправлен: ещё не решено, что значит его код на сайте." in push.last_error


def test_unanswered_request_with_the_status_is_not_repeated(site, bridge, shared_order, manager):
    edit(shared_order, manager, comment="без лилий")
    change(shared_order, "declined", manager)
    site.faults.give(faults.status(503))
    deliver_due()
    question()
    Push.objects.update(due_at=Push.objects.get().created_at)
    deliver_due()
    row = order_on_site(site, shared_order)
    assert (row["STATUS_ID"], row["USER_DESCRIPTION"]) == ("N", "без лилий")
