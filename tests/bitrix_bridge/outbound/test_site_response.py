"""Tests of what the bridge responds: its warnings are shown once on the timeline, and the CRM keeps refused values."""

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from bitrix_bridge.models import Push
from bitrix_bridge.outbound.queueing import queue_missed
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import State, deliver_due
from notifications.models import TelegramMessage
from orders import services
from orders.models import Order
from orders.presentation.timeline import timeline
from orders.sync.agreement import Agreement
from orders.sync.site_response import FieldRefusal, SiteWarning
from tests.bitrix_bridge.outbound.test_delivery import change, made_here, make_due
from tests.bitrix_bridge.two_systems.test_examples import echo as echo

pytestmark = pytest.mark.django_db

MARKED = {"code": "marked", "message": "Сайт пометил заказ: не указана платёжная система"}
INNER = {
    "code": "inner_account",
    "message": "7 500 ₸ ушли на внутренний счёт покупателя",
    "amount": "7500.00",
}
TOO_LONG = {"code": "property_too_long", "message": "Свойство «Открытка»: длиннее 500 знаков", "step": "properties"}


def refused(what, code="property_too_long", message=TOO_LONG["message"]):
    return {"what": what, "code": code, "message": message, "step": "x"}


@pytest.fixture
def bridge(bridge_of_version):
    return bridge_of_version("1.2")


def edit(order, manager, **changes):
    services.edit_order(order_id=order.pk, changes=changes, actor=manager)
    deliver_due()
    order.refresh_from_db()


def notes_of(order, kind="warned"):
    """Return the notes of the timeline entries of this kind, oldest first."""
    events = list(order.events.filter(kind=kind).order_by("happened_at", "created_at"))
    return [list(entry.notes) for entry in timeline(events)]


def state(order):
    order.refresh_from_db()
    return Agreement.from_json(order.bitrix_state)


class TestWarnings:
    def test_warning_is_shown_as_text_on_timeline(self, bridge, shared_order, manager):
        bridge.say("order.update", warnings=[MARKED])
        edit(shared_order, manager, comment="без лилий")
        event = shared_order.events.get(kind="warned")
        assert (event.source, event.push_id) == ("bitrix", Push.objects.get().pk)
        (entry,) = timeline([event])
        assert (entry.title, list(entry.notes)) == (str(event.get_kind_display()), [MARKED["message"]])
        assert (shared_order.sync_state, queue_missed(), deliver_due()) == ("synced", 0, 0)

    def test_warning_sends_no_telegram_message_and_no_push(self, bridge, shared_order, manager, settings):
        settings.TELEGRAM_NOTIFICATIONS_ENABLED = True
        before = TelegramMessage.objects.count()
        bridge.say("order.update", warnings=[MARKED, INNER])
        edit(shared_order, manager, comment="без лилий")
        assert (TelegramMessage.objects.count(), Push.objects.count()) == (before, 1)

    def test_repeated_warning_is_shown_once_until_it_changes(self, bridge, shared_order, manager):
        other = {**MARKED, "message": "Сайт пометил заказ: нет доставки"}
        for number, warnings in enumerate([[MARKED], [MARKED], [other], [], [other]]):
            bridge.say("order.update", warnings=warnings)
            edit(shared_order, manager, comment=f"{number}")
        messages = [MARKED["message"], other["message"], other["message"]]
        assert notes_of(shared_order) == [[message] for message in messages]

    def test_warning_of_status_request_is_shown(self, bridge, shared_order, manager):
        for status in ("accepted", "delivering"):
            bridge.say("order.status", warnings=[MARKED])
            change(shared_order, status, manager)
            deliver_due()
        assert notes_of(shared_order) == [[MARKED["message"]]]

    def test_warning_of_create_request_is_shown(self, bridge, manager):
        bridge.say("order.create", warnings=[{"code": "no_delivery", "message": "На сайте нет такой доставки"}])
        order = made_here(manager)
        deliver_due()
        assert notes_of(order) == [["На сайте нет такой доставки"]]

    def test_warning_about_other_field_is_kept(self, bridge, shared_order, manager):
        missing = {"code": "no_property", "message": "Нет свойства isSurprise", "property": "isSurprise"}
        bridge.say("order.update", warnings=[missing])
        edit(shared_order, manager, is_surprise=True)
        edit(shared_order, manager, comment="без лилий")
        bridge.say("order.update", warnings=[missing])
        edit(shared_order, manager, is_surprise=False)
        assert len(notes_of(shared_order)) == 1
        edit(shared_order, manager, is_surprise=True)  # now the site has this property
        bridge.say("order.update", warnings=[missing])
        edit(shared_order, manager, is_surprise=False)
        assert len(notes_of(shared_order)) == 2

    def test_warning_about_refund_to_account_is_shown_each_time(self, bridge, shared_order, manager):
        for number in range(2):
            bridge.say("order.update", warnings=[INNER])
            edit(shared_order, manager, comment=f"{number}")
        assert notes_of(shared_order) == [[INNER["message"]]] * 2

    def test_warning_hides_sum_from_users_without_the_right(self, bridge, shared_order, manager):
        bridge.say("order.update", warnings=[INNER])
        edit(shared_order, manager, comment="x")
        (entry,) = timeline(shared_order.events.filter(kind="warned"), hidden=("total_amount",))
        assert "7" not in "".join(entry.notes)
        assert entry.notes

    def test_text_warning_of_older_bridge_is_shown_once(self, bridge_of_version, shared_order, manager):
        bridge = bridge_of_version("1.1")
        for warnings in (["Нет свойства pickup"], [], ["Нет свойства pickup"]):
            bridge.say("order.update", warnings=warnings)
            edit(shared_order, manager, comment=str(len(notes_of(shared_order))) + str(warnings))
        assert notes_of(shared_order) == [["Нет свойства pickup"]]


class TestLostResponse:
    """The response to a request was lost. Its warning still reaches the staff."""

    @pytest.fixture
    def bridge(self, site, bridge_of_version):
        return bridge_of_version("1.2")

    @pytest.fixture
    def order(self, site, bridge, shared_order, manager, echo):
        """Return a paid order with a discount that the site has, so 700 KZT are on the customer's account there."""
        site.site.update_order(shared_order.bitrix_order_id, {"PAYED": "Y"})
        echo()
        site.faults.give(faults.answer_lost(), action="order.update")
        edit(shared_order, manager, discount_amount=700)
        return shared_order

    def retry(self):
        make_due(Push.objects.get())
        deliver_due()

    def notes(self, order):
        return [note for (note,) in notes_of(order)]

    def test_warning_is_shown_if_a_webhook_has_reported_the_values(self, order, echo):
        echo()
        order.refresh_from_db()
        assert (order.sync_state, self.notes(order)) == ("synced", [])
        self.retry()
        (note,) = self.notes(order)
        assert "700 ₸ ушли на внутренний счёт" in note
        assert (state(order).unread, order.sync_state) == ([], "synced")

    def test_both_warnings_are_shown_if_the_values_have_changed(self, order, manager):
        edit(order, manager, discount_amount=1000)
        self.retry()
        first, second = self.notes(order)
        assert "700 ₸ ушли" in first
        assert "300 ₸ ушли" in second
        assert state(order).unread == []

    def test_warning_is_shown_after_the_push_has_failed(self, order, echo):
        push = Push.objects.get()
        Push.objects.filter(pk=push.pk).update(state=State.FAILED)
        Order.objects.update(sync_state="failed")
        echo()
        order.refresh_from_db()
        assert order.sync_state == "synced"
        queue_missed()
        deliver_due()
        assert len(self.notes(order)) == 1
        assert not Push.objects.filter(state=State.FAILED).exists()

    def test_request_that_never_arrived_changes_nothing(self, site, bridge, shared_order, manager):
        site.faults.give(faults.status(503), action="order.update")
        edit(shared_order, manager, comment="без лилий")
        edit(shared_order, manager, comment="без роз")
        self.retry()
        row = site.site.order(shared_order.bitrix_order_id)
        shared_order.refresh_from_db()
        assert (row["USER_DESCRIPTION"], shared_order.sync_state, site.site.writes) == ("без роз", "synced", 1)
        assert (state(shared_order).unread, self.notes(shared_order)) == ([], [])

    def test_response_that_can_not_be_read_does_not_stop_the_next_request(self, site, order, manager):
        edit(order, manager, discount_amount=1000)
        site.faults.give(faults.status(422), action="order.update")
        self.retry()
        order.refresh_from_db()
        assert (order.sync_state, state(order).unread) == ("synced", [])
        assert len(self.notes(order)) == 1


class TestRefusedValues:
    @pytest.fixture
    def order(self, bridge, shared_order, manager):
        """Return an order whose comment the site has accepted. The site can't store the postcard of the order."""
        bridge.say("order.update", refused=[refused("properties.postcardText")])
        edit(shared_order, manager, postcard_text="я" * 400, comment="без лилий")
        return shared_order

    def test_refused_value_is_kept_and_other_fields_are_accepted(self, order):
        agreement = state(order)
        assert (agreement.value("comment"), order.postcard_text, order.sync_state) == ("без лилий", "я" * 400, "failed")
        assert agreement.value("postcard_text") != "я" * 400
        sent = order.events.filter(kind="sent").first()
        assert sent.details["values"] == {"comment": "без лилий"}
        assert notes_of(order, "refused") == [[TOO_LONG["message"], "Не отправлено: Открытка"]]
        push = Push.objects.get()
        assert (push.state, TOO_LONG["message"] in push.last_error) == (State.FAILED, True)

    def test_refused_value_is_not_sent_with_later_changes(self, site, order, manager):
        edit(order, manager, courier_comment="домофон 7")
        body = site.site.requests[-1]["body"]
        assert "properties" not in body
        assert (order.sync_state, len(notes_of(order, "refused"))) == ("failed", 1)
        assert (queue_missed(), deliver_due()) == (0, 0)

    def test_changed_value_is_sent_after_refusal(self, site, order, manager):
        edit(order, manager, postcard_text="С днём рождения!")
        assert site.site.order(order.bitrix_order_id)["properties"]["postcardText"] == "С днём рождения!"
        assert (order.sync_state, state(order).refused) == ("synced", {})

    def test_restoring_value_of_site_ends_the_failure(self, site, order, manager):
        edit(order, manager, postcard_text=state(order).value("postcard_text"))
        assert (order.sync_state, Push.objects.filter(state=State.FAILED).exists()) == ("synced", False)

    def test_refused_value_is_sent_again_after_another_value(self, site, order, manager):
        edit(order, manager, postcard_text="коротко")
        edit(order, manager, postcard_text="я" * 400)
        assert order.sync_state == "synced", "the site has accepted it this time"

    def test_echo_keeps_our_refused_value(self, site, order, echo, bridge, manager):
        data = site.site.order(order.bitrix_order_id)
        data["properties"]["postcardText"] = state(order).value("postcard_text")
        site.site.write_raw(order.bitrix_order_id, {"properties": data["properties"]})
        site.site.update_order(order.bitrix_order_id, {"ADDITIONAL_INFO": "x"})
        assert echo() == "unchanged"
        order.refresh_from_db()
        assert (order.postcard_text, order.sync_state) == ("я" * 400, "failed")

    def test_retry_on_order_page_sends_refused_value_again(self, site, order, manager, client):
        client.force_login(manager)
        client.post(reverse("admin:orders_order_send_again", args=[order.pk]))
        deliver_due()
        order.refresh_from_db()
        assert site.site.order(order.bitrix_order_id)["properties"]["postcardText"] == "я" * 400
        assert order.sync_state == "synced"

    def test_retry_of_push_sends_refused_value_again(self, site, order, manager):
        push = Push.objects.get()
        assert push.retry(by=manager)
        services.reassess_sync_state(order_id=order.pk, by_person=True)
        deliver_due()
        order.refresh_from_db()
        assert order.sync_state == "synced"

    def test_reconciliation_does_not_send_refused_value(self, order):
        assert not services.send_again(order_id=order.pk, theirs={})
        order.refresh_from_db()
        assert order.sync_state == "failed"

    def test_second_refusal_is_shown_again(self, bridge, order, manager):
        services.send_again(order_id=order.pk, theirs={}, actor=manager)
        bridge.say("order.update", refused=[refused("properties.postcardText")])
        deliver_due()
        assert len(notes_of(order, "refused")) == 2

    def test_refused_flag_with_other_code_is_the_same_field(self, site, bridge, manager, post_webhook):
        placed = site.place_order(properties={"doNotCall": "N"})
        post_webhook("order.create", placed)
        order = Order.objects.get()
        bridge.say("order.update", refused=[refused("properties.doNotCall", "property_unknown_value")])
        edit(order, manager, is_surprise=True, comment="x")
        assert (state(order).refused.keys(), order.is_surprise) == ({"is_surprise"}, True)

    def test_value_refused_by_create_is_kept(self, site, bridge, manager, echo):
        bridge.say("order.create", refused=[refused("properties.addressRecipient")])
        order = made_here(manager)
        deliver_due()
        order.refresh_from_db()
        assert (order.sync_state, order.delivery_address) == ("failed", "Абая 150")
        assert state(order).value("delivery_address") == ""
        assert len(site.site.all_orders()) == 1
        assert Push.objects.get().state == State.FAILED
        assert notes_of(order, "refused")[0][0] == TOO_LONG["message"]
        event = site.sender.events[-1]
        event.data["properties"]["addressRecipient"] = ""
        echo()
        order.refresh_from_db()
        assert order.delivery_address == "Абая 150"

    def test_held_status_is_sent_after_refused_value(self, site, bridge, shared_order, manager, hold_clock):
        change(shared_order, "accepted", manager)
        bridge.say("order.update", refused=[refused("properties.postcardText")])
        edit(shared_order, manager, postcard_text="я" * 400, comment="x")
        assert Push.objects.get().state == State.PENDING
        hold_clock.let_pass(12)
        deliver_due()
        shared_order.refresh_from_db()
        assert site.site.order(shared_order.bitrix_order_id)["STATUS_ID"] == "AP"
        assert (shared_order.sync_state, len(notes_of(shared_order, "refused"))) == ("failed", 1)


class TestWholeRequestRefused:
    """The site responds with 422 and the first refusal, and it has changed nothing."""

    @pytest.fixture
    def refuse(self, site):
        body = '{"success": false, "error": {"code": "property_too_long", "message": "длинно", "step": "properties"}}'

        def refuse(times):
            site.faults.give(faults.status(422, body=body), action="order.update", times=times)

        return refuse

    def test_only_property_of_request_is_recorded_as_refused(self, site, refuse, shared_order, manager):
        refuse(1)
        edit(shared_order, manager, postcard_text="я" * 400)
        assert (shared_order.sync_state, Push.objects.get().state) == ("failed", State.FAILED)
        assert (state(shared_order).refused.keys(), len(notes_of(shared_order, "refused"))) == ({"postcard_text"}, 1)
        edit(shared_order, manager, comment="x")
        assert "properties" not in site.site.requests[-1]["body"]

    def test_each_property_of_refused_request_is_sent_alone(self, site, refuse, shared_order, manager):
        refuse(2)
        edit(shared_order, manager, delivery_address="Достык 5", postcard_text="я" * 400)
        # The CRM sends both values together, then the address alone, then the postcard alone. The site accepts only the
        # last request.
        assert state(shared_order).refused.keys() == {"delivery_address"}
        assert site.site.order(shared_order.bitrix_order_id)["properties"]["postcardText"] == "я" * 400

    def test_automatic_retry_of_refused_value_is_cancelled(self, refuse, shared_order, manager):
        refuse(1)
        edit(shared_order, manager, postcard_text="я" * 400)
        push = Push.objects.get()
        push.retry()
        deliver_due()
        push.refresh_from_db()
        shared_order.refresh_from_db()
        assert (push.state, shared_order.sync_state) == (State.CANCELLED, "failed")


class TestOtherRefusals:
    def test_push_fails_with_reason_and_later_changes_are_sent(self, site, bridge, shared_order, manager):
        bridge.say(
            "order.update",
            refused=[
                refused("items", "shipments", "Заказ отгружен"),
                refused("fields.PRICE", "shipments", "Заказ отгружен"),
            ],
        )
        total = shared_order.total_amount
        edit(shared_order, manager, total_amount=total + 500, comment="без лилий")
        push = Push.objects.get()
        assert (push.state, shared_order.sync_state, "отгружен" in push.last_error) == (State.FAILED, "failed", True)
        assert (state(shared_order).value("comment"), state(shared_order).refused) == ("без лилий", {})
        entry = shared_order.events.get(kind="refused")
        assert entry.details["fields"] == ["total_amount", "items"]
        edit(shared_order, manager, comment="x")
        assert site.site.requests[-1]["body"]["items"], "the total follows from the lines"

    def test_refusal_of_field_that_was_not_sent_is_ignored(self, bridge, shared_order, manager):
        bridge.say("order.update", refused=[refused("items", "shipments", "Заказ отгружен")])
        edit(shared_order, manager, comment="x")
        assert (Push.objects.get().state, shared_order.sync_state) == (State.DELIVERED, "synced")

    def test_refused_status_does_not_stop_other_fields(self, site, bridge, shared_order, manager):
        bridge.say("order.update", refused=[refused("fields.STATUS_ID", "refused", "Статус запрещён")])
        services.edit_order(order_id=shared_order.pk, changes={"comment": "x"}, actor=manager)
        change(shared_order, "accepted", manager)
        deliver_due()
        shared_order.refresh_from_db()
        agreement = state(shared_order)
        assert (agreement.value("status"), agreement.site_status, shared_order.status_id) == ("new", "N", "accepted")
        assert (shared_order.sync_state, "запрещён" in Push.objects.get().last_error) == ("failed", True)


warnings = st.builds(
    SiteWarning,
    st.sampled_from(["marked", "no_property", ""]),
    st.sampled_from("аб"),
    field=st.sampled_from(["", "city"]),
)


@given(answers=st.lists(st.tuples(st.lists(warnings, max_size=3), st.sets(st.sampled_from(["city", "shop"])))))
def test_same_warning_is_never_new_twice_in_a_row(answers):
    agreement = Agreement()
    for said, asked in answers:
        before = list(agreement.warnings)
        news = agreement.new_warnings(said, asked)
        assert not set(news) & set(before)
        assert set(said) <= set(agreement.warnings)
        agreement = Agreement.from_json(agreement.as_json())


@given(value=st.sampled_from("абв"), ours=st.sampled_from("абв"), agreed=st.sampled_from("абв"))
def test_only_refused_value_is_not_sent_again(value, ours, agreed):
    agreement = Agreement(agreed={"comment": agreed}, sent={"comment": [value]})
    assert agreement.refuse("comment", value, FieldRefusal("property_too_long", "x", is_of_value=True))
    assert agreement.sent == {}
    wanted = [] if ours in (agreed, value) else ["comment"]
    assert agreement.unsent({"comment": ours}) == wanted
    assert Agreement.from_json(agreement.as_json()) == agreement
