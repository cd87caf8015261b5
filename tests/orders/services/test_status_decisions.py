"""Tests of decisions about statuses: orders, next statuses, presets and the board follow the stage and the code."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bitrix_bridge.models import Push
from bitrix_bridge.payloads.reference import read_reference
from orders import services
from orders.models import Order, SiteStatus, Status
from orders.selectors.presets import BY_KEY, Moment, preset_orders
from orders.sync.agreement import Agreement
from tests.orders.services.test_status_questions import received, refresh, status

pytestmark = pytest.mark.django_db


def agreed(order):
    agreement = Agreement.from_json(order.bitrix_state)
    return agreement.value("status"), agreement.site_status


def decide(code, stage, actor=None):
    return services.choose_stage(bitrix_code=code, stage=stage, actor=actor)


def test_chosen_stage_takes_the_name_and_counts_the_orders(post_webhook, manager):
    refresh(DE="В пути")
    order = received(post_webhook, STATUS_ID="DE", properties={"data": timezone.localdate().isoformat()})
    outcome = decide("DE", "delivering", manager)
    declined = status("declined")
    assert (declined.name, declined.stage, declined.questioned_stage) == ("В пути", "delivering", "")
    assert (declined.needs_attention, declined.bitrix_code, outcome.orders) == (False, "DE", 1)
    assert refresh(DE="В пути").questions == []
    assert list(preset_orders(BY_KEY["on-way"], Moment.of(manager), Order.objects.all())) == [order]


def test_next_statuses_follow_the_chosen_stage(manager):
    refresh(DE="В пути")
    outcome = decide("DE", "delivering", manager)
    next_codes = dict(Status.objects.values_list("code", "next_codes"))
    assert "declined" not in next_codes["new"]  # staff can't send "on its way" with the former button "decline"
    assert next_codes["processing"] == ["delivering", "accepted", "declined", "cancelled"]
    assert next_codes["declined"] == ["completed", "finished", "returned", "refunded", "cancelled"]
    assert outcome.next_steps == 3


def test_present_stage_may_be_confirmed():
    refresh(DE="В пути")
    decide("DE", "cancelled")
    declined = status("declined")
    assert (declined.stage, declined.name, declined.bitrix_code) == ("cancelled", "В пути", "DE")
    assert (refresh(DE="В пути").questions, SiteStatus.objects.get(code="DE").confirmed_name) == ([], "В пути")
    assert len(refresh(DE="Едет к получателю").questions) == 1  # the confirmation was about the earlier name


def test_stage_of_a_stub_is_chosen(post_webhook):
    received(post_webhook, STATUS_ID="UN")
    refresh(UN="Нереализован")
    outcome = decide("UN", "cancelled")
    unrealized = status("bitrix_UN")
    assert (unrealized.stage, unrealized.needs_attention, unrealized.name) == ("cancelled", False, "Нереализован")
    assert outcome.orders == 1


def test_open_stage_is_not_final():
    refresh(F="Готов к выдаче")
    decide("F", "ready")
    finished = status("finished")
    assert (finished.stage, finished.is_final, finished.next_codes) == (
        "ready",
        False,
        ["delivering", "completed", "processing", "returned", "declined", "refunded", "cancelled"],
    )


def test_second_code_stays_in_question_when_the_first_is_decided():
    refresh(CO="Собран", CF="Не оплачен")
    decide("CO", "ready")
    completed = status("completed")
    assert (completed.name, completed.stage, completed.questioned_stage) == ("Собран", "problem", "ready")


@pytest.mark.parametrize(("code", "stage"), [("XX", "ready"), ("DE", "nowhere"), ("DE", "")])
def test_unknown_code_or_stage_is_refused_without_a_trace(code, stage):
    refresh(DE="В пути")
    before = list(Status.objects.order_by("pk").values())
    with pytest.raises(services.NotAllowedError):
        decide(code, stage)
    assert list(Status.objects.order_by("pk").values()) == before


def test_separate_status_gets_the_name_the_stage_and_the_orders(post_webhook, manager):
    on_way, unpaid = received(post_webhook, 1, STATUS_ID="CO"), received(post_webhook, 2, STATUS_ID="CF")
    refresh(CO="Выполнен", CF="Не оплачен")
    outcome = services.separate_status(bitrix_code="CF", actor=manager)
    new, completed = status("bitrix_CF"), status("completed")
    assert (new.name, new.stage, new.bitrix_codes, new.needs_attention) == ("Не оплачен", "waiting", ["CF"], False)
    assert (completed.stage, completed.questioned_stage, completed.bitrix_codes) == ("done", "", ["CO"])
    for order in (on_way, unpaid):
        order.refresh_from_db()
    assert (on_way.status_id, agreed(on_way)) == ("completed", ("completed", "CO"))
    assert (unpaid.status_id, agreed(unpaid)) == ("bitrix_CF", ("bitrix_CF", "CF"))
    event = unpaid.events.first()
    assert (event.kind, event.source, event.actor, event.reason) == ("status", "admin", manager, "status_moved")
    assert event.changes == [{"field": "status", "old": "completed", "new": "bitrix_CF"}]
    assert (outcome.orders, unpaid.sync_state, Push.objects.count()) == (1, "synced", 0)
    assert "bitrix_CF" in status("accepted").next_codes


def test_separate_status_without_a_suggested_stage_still_needs_one():
    refresh(CF="Подарок")
    services.separate_status(bitrix_code="CF", actor=None)
    new = status("bitrix_CF")
    assert (new.stage, new.needs_attention, new.questioned_stage) == ("problem", True, "")


def test_change_of_staff_that_is_not_sent_yet_is_kept_when_the_code_moves(post_webhook, manager):
    order = received(post_webhook, STATUS_ID="CF")
    services.change_status(order_id=order.pk, status="returned", actor=manager)
    refresh(CF="Не оплачен")
    outcome = services.separate_status(bitrix_code="CF", actor=manager)
    order.refresh_from_db()
    assert (order.status_id, agreed(order), order.sync_state) == ("returned", ("bitrix_CF", "CF"), "pending")
    assert outcome.orders == 0
    assert not order.events.filter(reason="status_moved").exists()


def test_order_without_a_site_does_not_move(manager):
    order = Order.objects.create(order_number="С1", status=status("completed"))
    refresh(CF="Не оплачен")
    services.separate_status(bitrix_code="CF", actor=manager)
    order.refresh_from_db()
    assert order.status_id == "completed"


def test_next_event_of_a_moved_order_changes_nothing(post_webhook, manager):
    order = received(post_webhook, STATUS_ID="CF")
    refresh(CF="Не оплачен")
    services.separate_status(bitrix_code="CF", actor=manager)
    count = order.events.count()
    received(post_webhook, STATUS_ID="CF", VERSION="99")
    order.refresh_from_db()
    assert (order.status_id, order.sync_state, order.events.count()) == ("bitrix_CF", "synced", count)


@pytest.mark.parametrize("code", ["XX", "DE", "TR"])
def test_separation_is_refused_without_a_trace(post_webhook, code):
    received(post_webhook, STATUS_ID="TR")
    refresh(TR="Передан курьеру")
    before = list(Status.objects.order_by("pk").values())
    with pytest.raises(services.NotAllowedError):
        services.separate_status(bitrix_code=code, actor=None)
    assert list(Status.objects.order_by("pk").values()) == before


def test_number_of_queries_does_not_depend_on_the_number_of_orders(post_webhook, manager):
    def cost(*numbers):
        for number in numbers:
            received(post_webhook, number, STATUS_ID="CF")
        refresh(CF="Не оплачен")
        with CaptureQueriesContext(connection) as queries:
            outcome = services.separate_status(bitrix_code="CF", actor=manager)
        assert outcome.orders == len(numbers)
        Order.objects.update(status="completed")
        Status.objects.filter(code="bitrix_CF").delete()
        Status.objects.filter(code="completed").update(bitrix_codes=["CO", "CF"], stage="done")
        Order.objects.all().delete()
        return len(queries)

    cost(1)
    few = cost(2)
    assert cost(3, 4, 5, 6) == few


def test_copy_of_the_site_questions_statuses_without_an_alert_and_does_not_replace_newer_names():
    refresh(AP="Принят")
    rows = read_reference({"statuses": [{"id": "AP", "name": "Старый"}, {"id": "DE", "name": "В пути"}]}).statuses
    (question,) = services.note_site_statuses(rows=rows)
    assert (question.bitrix_code, status("declined").stage) == ("DE", "problem")
    assert SiteStatus.objects.get(code="AP").name == "Принят"
