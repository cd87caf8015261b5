"""What staff decide by hand, and what the site says afterwards."""

import pytest

from bitrix_bridge.models import Push
from bitrix_bridge.outbound.queueing import queue_missed
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import deliver_due
from orders import services
from orders.models import Customer, Order, Status
from orders.sync.snapshot import ReferenceRow, ReferenceSnapshot
from tests.bitrix_bridge.outbound.test_delivery import change, hurry, made_here, status_on_site
from tests.bitrix_bridge.two_systems.test_examples import echo  # noqa: F401
from tests.samples import order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def retry(client, manager):
    """Retry a push on its page of the admin."""
    client.force_login(manager)
    address = "/crm/bitrix_bridge/push/"
    return lambda push: client.post(address, {"action": "retry_selected", "_selected_action": [str(push.pk)]})


class TestRetryingAPushThatIsOfNoUseAnyMore:
    @pytest.fixture
    def old_push(self, site, shared_order, manager):
        change(shared_order, "accepted", manager)
        site.faults.give(faults.status(401))
        deliver_due()
        change(shared_order, "delivering", manager)
        return Push.objects.get(state="cancelled")

    def test_of_an_order_that_the_site_has(self, retry, old_push, shared_order):
        deliver_due()
        assert retry(old_push).status_code == 302
        deliver_due()
        before = Push.objects.count()
        for _ in range(3):
            queue_missed()
            deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.sync_state, Push.objects.count()) == ("synced", before)

    def test_of_an_order_in_conflict(self, retry, old_push, site, shared_order):
        site.change_status(shared_order.bitrix_order_id, "DE")
        deliver_due()
        retry(old_push)
        deliver_due()
        shared_order.refresh_from_db()
        assert shared_order.sync_state == "conflict"

    def test_of_an_order_that_is_gone(self, retry, old_push, shared_order, post_webhook):
        post_webhook("order.delete", {"ID": str(shared_order.bitrix_order_id)})
        retry(old_push)
        deliver_due()
        shared_order.refresh_from_db()
        assert shared_order.sync_state == "synced"


class TestAFailedPushNeedsNobodyOnceBothSidesAgree:
    """At once, in the transaction that brings the agreement: nobody is sent to look after it in the meantime."""

    @pytest.fixture
    def failed(self, site, shared_order, manager):
        change(shared_order, "accepted", manager)
        site.faults.give(faults.status(401))
        deliver_due()
        return Push.objects.get(state="failed")

    def closed(self, push):
        push.refresh_from_db()
        return push.state, push.finished_at is not None

    def test_the_site_came_to_the_same_by_itself(self, failed, site, shared_order, echo):  # noqa: F811
        site.change_status(shared_order.bitrix_order_id, "AP")
        assert echo() == "unchanged"
        assert self.closed(failed) == ("cancelled", True)

    def test_staff_go_back_to_what_the_site_has(self, site, shared_order, manager):
        Status.objects.create(code="packing", name="Упаковка", stage="making")  # without a code of the site
        Status.objects.filter(code="new").update(next_codes=[])
        change(shared_order, "packing", manager)
        deliver_due()
        failed = Push.objects.get(state="failed")
        change(shared_order, "new", manager)
        shared_order.refresh_from_db()
        assert shared_order.sync_state == "synced"
        assert self.closed(failed) == ("cancelled", True)
        assert site.site.writes == 0

    def test_the_order_is_deleted_there(self, failed, shared_order, post_webhook):
        post_webhook("order.delete", {"ID": str(shared_order.bitrix_order_id)})
        assert self.closed(failed) == ("cancelled", True)

    def test_not_while_something_else_is_unsent(self, failed, site, shared_order, manager, echo):  # noqa: F811
        site.site.update_order(shared_order.bitrix_order_id, {"COMMENTS": "домофон 7"})
        assert echo() == "updated"
        assert self.closed(failed) == ("failed", True)

    def test_the_minute_job_closes_what_was_missed(self, failed, shared_order):
        Order.objects.filter(pk=shared_order.pk).update(sync_state="synced")
        queue_missed()
        assert self.closed(failed) == ("cancelled", True)


class TestConflict:
    def test_a_failure_to_send_something_else_does_not_end_it(self, site, shared_order, manager):
        site.change_status(shared_order.bitrix_order_id, "DE")
        change(shared_order, "accepted", manager)
        deliver_due()
        services.edit_order(order_id=shared_order.pk, changes={"comment": "перезвонить"}, actor=manager)
        site.faults.give(faults.status(401))
        deliver_due()
        shared_order.refresh_from_db()
        assert services.conflicting_change(shared_order) == "accepted"

    def test_another_field_changed_on_both_sides_does_not_hide_the_wish(
        self,
        site,
        shared_order,
        manager,
        echo,  # noqa: F811
    ):
        site.change_status(shared_order.bitrix_order_id, "DE")
        change(shared_order, "accepted", manager)
        deliver_due()
        services.edit_order(order_id=shared_order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
        site.site.update_order(shared_order.bitrix_order_id, properties={"addressRecipient": "Сатпаева 1"})
        echo()
        shared_order.refresh_from_db()
        assert (shared_order.sync_state, services.conflicting_change(shared_order)) == ("conflict", "accepted")

    def test_nor_does_the_attempt_that_was_still_to_come(self, site, shared_order, manager, echo):  # noqa: F811
        change(shared_order, "accepted", manager)
        site.faults.give(faults.status(503))
        deliver_due()
        site.change_status(shared_order.bitrix_order_id, "DE")
        echo()
        hurry(Push.objects.get())
        deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.sync_state, services.conflicting_change(shared_order)) == ("conflict", "accepted")
        assert status_on_site(site, shared_order) == "DE"

    def test_a_site_that_was_put_back_is_heard_afterwards(
        self,
        site,
        shared_order,
        manager,
        post_webhook,
        echo,  # noqa: F811
    ):
        post_webhook("order.update", {**site.site.order(shared_order.bitrix_order_id), "VERSION": "900"})
        site.change_status(shared_order.bitrix_order_id, "DE")
        change(shared_order, "accepted", manager)
        deliver_due()
        site.change_status(shared_order.bitrix_order_id, "PD")
        assert echo() == "updated"


class TestCustomer:
    def test_one_chosen_by_staff_stays(self, site, shared_order, manager, echo):  # noqa: F811
        other = Customer.objects.create(name="Бухгалтерия ТОО", phone="+77010000001")
        services.edit_order(order_id=shared_order.pk, changes={"customer": other}, actor=manager)
        site.site.update_order(shared_order.bitrix_order_id, {"ADDITIONAL_INFO": "x"})
        echo()
        shared_order.refresh_from_db()
        assert shared_order.customer == other

    def test_the_account_of_orders_without_one_is_nobodys(self, site, manager, post_webhook, settings):
        settings.BITRIX_DEFAULT_USER_ID = 1079
        order = made_here(manager)
        deliver_due()
        event = site.sender.events[-1]
        user = {"ID": "1079", "NAME": "Заказы", "LAST_NAME": "по телефону", "PERSONAL_PHONE": "+77270000000"}
        post_webhook(event.name, {**event.data, "USER_ID": "1079", "user": user}, event_id=event.event_id)
        order.refresh_from_db()
        assert (order.customer.name, order.customer.bitrix_user_id) == ("Айгерим", None)

    def test_a_guest_with_a_name_alone_is_made_once(self, post_webhook):
        nobody = {"phone": None, "email": None, "name": None}
        data = order_data(USER_ID=None, user={"NAME": "Айгерим"}, properties=nobody)
        post_webhook("order.create", data)
        for version in range(2, 5):
            post_webhook("order.update", {**data, "VERSION": str(version)})
        assert Customer.objects.count() == 1


def test_a_refund_is_known_here_alone_and_no_conflict(site, shared_order, manager, echo):  # noqa: F811
    site.site.update_order(shared_order.bitrix_order_id, {"PAYED": "Y"})
    echo()
    services.edit_order(order_id=shared_order.pk, changes={"payment_status": "refunded"}, actor=manager)
    site.site.update_order(shared_order.bitrix_order_id, {"PAYED": "N"})
    echo()
    shared_order.refresh_from_db()
    assert (shared_order.payment_status, shared_order.sync_state) == ("refunded", "synced")
    assert "conflict" not in shared_order.events.values_list("kind", flat=True)


def test_a_code_that_staff_gave_to_another_status_counts_from_the_next_event_on(post_webhook):
    post_webhook("order.create", order_data(STATUS_ID="XX"))
    Status.objects.filter(code="bitrix_XX").update(bitrix_codes=[])
    Status.objects.filter(code="accepted").update(bitrix_codes=["AP", "XX"])
    post_webhook("order.update", order_data(STATUS_ID="XX", VERSION="2", DATE_UPDATE="2025-08-24 12:10:01"))
    assert Order.objects.get().status_id == "accepted"


def test_a_stub_whose_code_staff_changed_is_in_nobodys_way(post_webhook):
    post_webhook("order.create", order_data(STATUS_ID="XX"))
    Status.objects.filter(code="bitrix_XX").update(bitrix_codes=["XY"])
    row = ReferenceRow(key="XX", fields={"name": "Упаковка", "sort": 5})
    services.apply_reference(snapshot=ReferenceSnapshot(statuses=(row,)))
    assert Status.objects.get(name="Упаковка").bitrix_codes == ["XX"]
    assert Order.objects.get().status_id == "bitrix_XX"
