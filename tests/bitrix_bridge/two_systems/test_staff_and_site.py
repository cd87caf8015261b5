"""Tests of decisions of staff, and of later changes made on the site."""

import pytest

from bitrix_bridge.models import Push
from bitrix_bridge.outbound.queueing import queue_missed
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import deliver_due
from orders import services
from orders.models import Customer, Order, Status
from orders.sync.snapshot import ReferenceRow, ReferenceSnapshot
from tests.bitrix_bridge.outbound.test_delivery import change, made_here, make_due, status_on_site
from tests.bitrix_bridge.two_systems.test_examples import echo  # noqa: F401
from tests.samples import order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def retry(client, manager):
    """Return a function that retries a push in the admin."""
    client.force_login(manager)
    address = "/crm/bitrix_bridge/push/"
    return lambda push: client.post(address, {"action": "retry_selected", "_selected_action": [str(push.pk)]})


class TestRetryOfAnOldPush:
    @pytest.fixture
    def old_push(self, site, shared_order, manager):
        change(shared_order, "accepted", manager)
        site.faults.give(faults.status(401))
        deliver_due()
        change(shared_order, "delivering", manager)
        return Push.objects.get(state="cancelled")

    def test_retry_of_an_old_push_sends_nothing_new(self, retry, old_push, shared_order):
        deliver_due()
        assert retry(old_push).status_code == 302
        deliver_due()
        before = Push.objects.count()
        for _ in range(3):
            queue_missed()
            deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.sync_state, Push.objects.count()) == ("synced", before)

    def test_retry_of_an_old_push_keeps_the_conflict(self, retry, old_push, site, shared_order):
        site.change_status(shared_order.bitrix_order_id, "DE")
        deliver_due()
        retry(old_push)
        deliver_due()
        shared_order.refresh_from_db()
        assert shared_order.sync_state == "conflict"

    def test_retry_of_an_old_push_is_harmless_for_a_deleted_order(self, retry, old_push, shared_order, post_webhook):
        post_webhook("order.delete", {"ID": str(shared_order.bitrix_order_id)})
        retry(old_push)
        deliver_due()
        shared_order.refresh_from_db()
        assert shared_order.sync_state == "synced"


class TestFailedPushWhenBothSidesAgree:
    """Both sides agree, so the failed push is cancelled in the same transaction. Staff need not act on this push."""

    @pytest.fixture
    def failed(self, site, shared_order, manager):
        change(shared_order, "accepted", manager)
        site.faults.give(faults.status(401))
        deliver_due()
        return Push.objects.get(state="failed")

    def closed(self, push):
        push.refresh_from_db()
        return push.state, push.finished_at is not None

    def test_failed_push_closes_when_the_site_sets_the_same_status(self, failed, site, shared_order, echo):  # noqa: F811
        site.change_status(shared_order.bitrix_order_id, "AP")
        assert echo() == "unchanged"
        assert self.closed(failed) == ("cancelled", True)

    def test_failed_push_is_closed_when_staff_restore_the_sites_status(self, site, shared_order, manager):
        Status.objects.create(code="packing", name="Упаковка", stage="making")  # this status has no code on the site
        Status.objects.filter(code="new").update(next_codes=[])
        change(shared_order, "packing", manager)
        deliver_due()
        failed = Push.objects.get(state="failed")
        change(shared_order, "new", manager)
        shared_order.refresh_from_db()
        assert shared_order.sync_state == "synced"
        assert self.closed(failed) == ("cancelled", True)
        assert site.site.writes == 0

    def test_failed_push_is_closed_when_the_order_is_deleted(self, failed, shared_order, post_webhook):
        post_webhook("order.delete", {"ID": str(shared_order.bitrix_order_id)})
        assert self.closed(failed) == ("cancelled", True)

    def test_failed_push_stays_while_a_change_is_unsent(self, failed, site, shared_order, manager, echo):  # noqa: F811
        site.site.update_order(shared_order.bitrix_order_id, {"COMMENTS": "домофон 7"})
        assert echo() == "updated"
        assert self.closed(failed) == ("failed", True)

    def test_minute_job_closes_a_missed_push(self, failed, shared_order):
        Order.objects.filter(pk=shared_order.pk).update(sync_state="synced")
        queue_missed()
        assert self.closed(failed) == ("cancelled", True)


class TestConflict:
    def test_conflict_survives_a_failure_of_another_change(self, site, shared_order, manager):
        site.change_status(shared_order.bitrix_order_id, "DE")
        change(shared_order, "accepted", manager)
        deliver_due()
        services.edit_order(order_id=shared_order.pk, changes={"comment": "перезвонить"}, actor=manager)
        site.faults.give(faults.status(401))
        deliver_due()
        shared_order.refresh_from_db()
        assert services.conflicting_change(shared_order) == "accepted"

    def test_conflict_survives_a_change_of_another_field_on_both_sides(
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

    def test_conflict_survives_the_next_attempt_of_the_push(self, site, shared_order, manager, echo):  # noqa: F811
        change(shared_order, "accepted", manager)
        site.faults.give(faults.status(503))
        deliver_due()
        site.change_status(shared_order.bitrix_order_id, "DE")
        echo()
        make_due(Push.objects.get())
        deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.sync_state, services.conflicting_change(shared_order)) == ("conflict", "accepted")
        assert status_on_site(site, shared_order) == "DE"

    def test_restored_site_with_lower_versions_is_read_again(
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
    def test_customer_chosen_by_staff_is_kept(self, site, shared_order, manager, echo):  # noqa: F811
        other = Customer.objects.create(name="Бухгалтерия ТОО", phone="+77010000001")
        services.edit_order(order_id=shared_order.pk, changes={"customer": other}, actor=manager)
        site.site.update_order(shared_order.bitrix_order_id, {"ADDITIONAL_INFO": "x"})
        echo()
        shared_order.refresh_from_db()
        assert shared_order.customer == other

    def test_default_account_of_the_site_is_no_customer(self, site, manager, post_webhook, settings):
        settings.BITRIX_DEFAULT_USER_ID = 1079
        order = made_here(manager)
        deliver_due()
        event = site.sender.events[-1]
        user = {"ID": "1079", "NAME": "Заказы", "LAST_NAME": "по телефону", "PERSONAL_PHONE": "+77270000000"}
        post_webhook(event.name, {**event.data, "USER_ID": "1079", "user": user}, event_id=event.event_id)
        order.refresh_from_db()
        assert (order.customer.name, order.customer.bitrix_user_id) == ("Айгерим", None)

    def test_guest_with_only_a_name_is_created_once(self, post_webhook):
        no_contacts = {"phone": None, "email": None, "name": None}
        data = order_data(USER_ID=None, user={"NAME": "Айгерим"}, properties=no_contacts)
        post_webhook("order.create", data)
        for version in range(2, 5):
            post_webhook("order.update", {**data, "VERSION": str(version)})
        assert Customer.objects.count() == 1


def test_refund_in_the_crm_is_no_conflict(site, shared_order, manager, echo):  # noqa: F811
    site.site.update_order(shared_order.bitrix_order_id, {"PAYED": "Y"})
    echo()
    services.edit_order(order_id=shared_order.pk, changes={"payment_status": "refunded"}, actor=manager)
    site.site.update_order(shared_order.bitrix_order_id, {"PAYED": "N"})
    echo()
    shared_order.refresh_from_db()
    assert (shared_order.payment_status, shared_order.sync_state) == ("refunded", "synced")
    assert "conflict" not in shared_order.events.values_list("kind", flat=True)


def test_code_moved_to_another_status_applies_to_the_next_event(post_webhook):
    post_webhook("order.create", order_data(STATUS_ID="XX"))
    Status.objects.filter(code="bitrix_XX").update(bitrix_codes=[])
    Status.objects.filter(code="accepted").update(bitrix_codes=["AP", "XX"])
    post_webhook("order.update", order_data(STATUS_ID="XX", VERSION="2", DATE_UPDATE="2025-08-24 12:10:01"))
    assert Order.objects.get().status_id == "accepted"


def test_stub_status_with_a_changed_code_does_not_block_the_reference_data(post_webhook):
    post_webhook("order.create", order_data(STATUS_ID="XX"))
    Status.objects.filter(code="bitrix_XX").update(bitrix_codes=["XY"])
    row = ReferenceRow(key="XX", fields={"name": "Упаковка", "sort": 5})
    services.apply_reference(snapshot=ReferenceSnapshot(statuses=(row,)))
    assert Status.objects.get(name="Упаковка").bitrix_codes == ["XX"]
    assert Order.objects.get().status_id == "bitrix_XX"
