"""Tests of statuses whose name on the site does not fit their stage: they are questioned, and keep their names."""

import pytest
from django.utils import timezone

from bitrix_bridge.models import Push
from bitrix_bridge.payloads.reference import read_reference
from notifications.models import TelegramChat, TelegramMessage
from orders import services
from orders.models import Order, SiteStatus, Status
from orders.selectors.board import day_board
from orders.selectors.presets import BY_KEY, Moment, preset_orders
from orders.selectors.site_statuses import undecided
from tests.samples import order_data

pytestmark = pytest.mark.django_db
MEASURED = {"N": "Новый", "AP": "Подтверждён", "P": "В обработке", "PD": "Оплачен", "CO": "Собран", "CF": "Не оплачен",
            "RD": "Готов к доставке", "DE": "В пути", "F": "Выполнен", "RF": "Возврат"}  # fmt: skip
"""The names that the shop's site was measured to use."""


def refresh(**names):
    rows = [{"id": code, "name": name, "sort": place} for place, (code, name) in enumerate(names.items(), start=1)]
    return services.apply_reference(snapshot=read_reference({"statuses": rows}))[Status]


def texts(changes):
    return [question.text for question in changes.questions]


def status(code):
    return Status.objects.get(code=code)


def received(post_webhook, number=122183, **values):
    post_webhook("order.create", order_data(ID=str(number), ACCOUNT_NUMBER=str(number), **values))
    return Order.objects.get(bitrix_order_id=number)


def test_unfitting_name_is_kept_aside_and_the_status_is_marked():
    changes = refresh(DE="В пути")
    declined = status("declined")
    assert (declined.name, declined.stage, declined.questioned_stage) == ("Отклонён", "problem", "cancelled")
    assert (declined.needs_attention, declined.bitrix_code, declined.sort) == (True, None, 80)
    assert SiteStatus.objects.get(code="DE").name == "В пути"
    assert texts(changes) == ["DE: на сайте «В пути», здесь «Отклонён» (этап «Отменён»)"]
    assert (changes.created, changes.updated, changes.kept, changes.unchanged) == ([], [], [], 0)


def test_measured_names_question_exactly_the_statuses_that_mean_something_else():
    changes = refresh(**MEASURED)
    assert {question.bitrix_code for question in changes.questions} == {"PD", "CO", "CF", "RD", "DE"}
    questioned = Status.objects.exclude(questioned_stage="").values_list("code", flat=True)
    assert set(questioned) == {"delivering", "completed", "returned", "declined"}
    assert (status("accepted").name, status("finished").name, undecided()) == ("Подтверждён", "Выполнен", 4)


def test_name_of_a_second_code_questions_the_status_too():
    changes = refresh(CO="Выполнен", CF="Не оплачен")
    assert texts(changes) == ["CF: на сайте «Не оплачен», здесь «Выполнен» (этап «Выполнен»)"]
    assert status("completed").stage == "problem"


def test_name_without_a_known_word_is_questioned():
    assert texts(refresh(AP="Подарок")) == ["AP: на сайте «Подарок», здесь «Принят» (этап «Принят»)"]


def test_name_given_by_staff_does_not_hide_the_question():
    Status.objects.filter(code="declined").update(name="Не берём")
    assert texts(refresh(DE="В пути")) == ["DE: на сайте «В пути», здесь «Не берём» (этап «Отменён»)"]
    assert status("declined").name == "Не берём"


def test_second_refresh_changes_nothing_and_repeats_the_questions():
    refresh(**MEASURED)
    before = list(Status.objects.order_by("pk").values())
    assert len(refresh(**MEASURED).questions) == 5
    assert list(Status.objects.order_by("pk").values()) == before


def test_question_ends_when_the_site_gives_a_fitting_name():
    refresh(DE="В пути")
    changes = refresh(DE="Отклонён клиентом")
    declined = status("declined")
    assert (declined.name, declined.stage, declined.questioned_stage) == ("Отклонён клиентом", "cancelled", "")
    assert (declined.needs_attention, declined.bitrix_code, changes.questions) == (False, "DE", [])


def test_staff_are_alerted_once():
    TelegramChat.objects.create(chat_id="5")
    for _ in range(2):
        refresh(DE="В пути")
    (message,) = TelegramMessage.objects.all()
    assert "DE: на сайте «В пути», здесь «Отклонён» (этап «Отменён»)" in message.text


def test_orders_of_a_questioned_status_stay_on_the_board_and_in_the_presets(post_webhook, manager):
    today = timezone.localdate()
    refresh(DE="В пути")
    order = received(post_webhook, STATUS_ID="DE", properties={"data": today.isoformat()})
    columns = {cell.column.key: cell.count for cell in day_board(Order.objects.all(), today).totals if cell.count}
    assert columns == {"problem": 1}
    found = preset_orders(BY_KEY["problems"], Moment.of(manager), Order.objects.all())
    assert list(found) == [order]


def test_staff_can_not_choose_a_questioned_status(post_webhook, manager):
    order = received(post_webhook)
    refresh(DE="В пути")
    with pytest.raises(services.NotAllowedError) as refusal:
        services.change_status(order_id=order.pk, status="declined", actor=manager)
    assert "Ещё не решено, что значит «Отклонён» на сайте" in str(refusal.value)
    order.refresh_from_db()
    assert (order.status_id, order.sync_state, order.events.filter(kind="status").count()) == ("new", "synced", 0)
    assert not Push.objects.exists()


def test_staff_can_leave_a_questioned_status(post_webhook, manager):
    refresh(DE="В пути")
    order = received(post_webhook, STATUS_ID="DE")
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    order.refresh_from_db()
    assert (order.status_id, order.sync_state) == ("accepted", "pending")


def test_stub_without_a_stage_is_not_questioned(post_webhook):
    received(post_webhook, STATUS_ID="TR")
    changes = refresh(TR="Передан курьеру")
    stub = status("bitrix_TR")
    assert (stub.name, stub.stage, stub.questioned_stage, changes.questions) == ("Передан курьеру", "problem", "", [])


def test_refresh_takes_constant_number_of_queries_for_known_statuses(django_assert_num_queries):
    refresh(**MEASURED)
    for names in (dict(list(MEASURED.items())[:2]), MEASURED):
        with django_assert_num_queries(10):
            refresh(**names)
