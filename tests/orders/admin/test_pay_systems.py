"""Tests of the page «Платёжные системы», on which staff choose how each pay system of the site is paid."""

import re

import pytest
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bitrix_bridge import probes
from bitrix_bridge.models import Push
from bitrix_bridge.payloads.reference import read_reference
from cvety_crm.ops.health import Level
from cvety_crm.roles import FLORIST, MANAGER, OWNER
from orders import services
from orders.models import Order, PaySystem
from tests.roles import browser_of as signed_in
from tests.roles import person
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db
PAGE, CHOOSE = "/crm/orders/paysystem/methods/", "/crm/orders/paysystem/methods/choose/"
OFFICE = {"id": 12, "name": "Оплата в офисе"}


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


def refresh(*rows):
    return services.apply_reference(snapshot=read_reference({"pay_systems": list(rows)}))[PaySystem]


def choose(browser, system, method):
    answer = browser.post(CHOOSE, {"system": system, "method": method})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    return [(message.level_tag, str(message)) for message in get_messages(answer.wsgi_request)][-1:]


def sections(html):
    """Return the visible text of each pay system on the page, by its id on the site."""
    found = re.findall(r'<section class="crm-card[^"]*" id="system-(\d+)".*?>(.*?)</section>', html, re.DOTALL)
    return {int(key): " ".join(re.sub(r"<[^>]+>", " ", text).split()) for key, text in found}


def method_of(order):
    order.refresh_from_db()
    return order.payment_method, order.unknown_values.get("payment_method")


def test_page_shows_names_orders_and_methods_with_undecided_ones_first(browser, make_order):
    refresh(OFFICE, {"id": 3, "name": "Kaspi", "active": False})
    make_order(1)
    make_order(2, PAY_SYSTEM_ID="12")
    make_order(3, PAY_SYSTEM_ID="12", properties={"METHOD_PAY": "каспи"})
    make_order(4, PAY_SYSTEM_ID="40")
    shown = sections(browser.get(PAGE).content.decode())
    assert list(shown) == [12, 40, 1, 3]
    buttons = "Наличные Карта Kaspi Перевод Онлайн на сайте Сертификат"
    assert shown[12] == (
        f"На сайте № 12 Оплата в офисе 2 заказа, способ неизвестен в 1 Способ оплаты неизвестно {buttons}"
    )
    assert "Платёжная система 40 название неизвестно 1 заказ" in shown[40]
    assert "Способ оплаты наличные из настройки, сотрудники не подтвердили" in shown[1]
    assert shown[3].endswith(f"0 заказов, на сайте больше не предлагается Способ оплаты неизвестно {buttons}"
                             " судя по названию: Kaspi")  # fmt: skip


def test_suggestion_is_never_applied_by_itself(make_order):
    refresh({"id": 12, "name": "Наличные"})
    order = make_order(1, PAY_SYSTEM_ID="12")
    assert method_of(order) == ("", "№ 12")


def test_one_click_sets_the_method_of_the_orders(browser, make_order, manager):
    refresh(OFFICE)
    unknown, other = make_order(1, PAY_SYSTEM_ID="12"), make_order(2)
    said = choose(browser, 12, "card")
    assert said == [("success", "Способ оплаты для «Оплата в офисе»: карта. Изменён 1 заказ.")]
    assert (method_of(unknown), method_of(other)) == (("card", None), ("cash", None))
    entry = unknown.events.first()
    assert entry.changes == [{"field": "payment_method", "old": None, "new": "card"}]
    assert (entry.reason, entry.actor, entry.source) == ("pay_system", manager, "admin")
    assert (
        "Для платёжной системы сайта выбран способ оплаты"
        in browser.get(f"/crm/orders/order/{unknown.pk}/change/").content.decode()
    )
    assert unknown.sync_state == "synced"
    assert not Push.objects.exists()
    assert "выбор: Данияр" in sections(browser.get(PAGE).content.decode())[12]


def test_later_events_of_the_site_agree_with_the_choice(browser, post_webhook):
    data = order_data(PAY_SYSTEM_ID="12")
    post_webhook("order.create", data)
    choose(browser, 12, "kaspi")
    order = Order.objects.get()
    entries = order.events.count()
    post_webhook("order.update", next_version(data))
    assert (method_of(order), order.events.count(), order.sync_state) == (("kaspi", None), entries, "synced")
    post_webhook("order.create", order_data(ID="5", ACCOUNT_NUMBER="5", PAY_SYSTEM_ID="12"))
    assert method_of(Order.objects.get(bitrix_order_id=5)) == ("kaspi", None)


def test_choosing_again_undoes_a_choice(browser, make_order):
    order = make_order(1, PAY_SYSTEM_ID="12")
    for choice, expected in (("card", ("card", None)), ("kaspi", ("kaspi", None)), ("unknown", ("", "№ 12"))):
        ((level, text),) = choose(browser, 12, choice)
        assert (level, method_of(order)) == ("success", expected)
        assert text.endswith("Изменён 1 заказ.")
    assert PaySystem.objects.get(bitrix_id=12).payment_method == ""
    assert [entry.changes[0]["new"] for entry in order.events.all()[:3]] == [None, "kaspi", "card"]
    ((_level, text),) = choose(browser, 12, "unknown")
    assert text == "Способ оплаты для «Платёжная система 12»: неизвестно. Изменено 0 заказов."


def test_what_the_customer_entered_counts_only_without_a_choice(browser, make_order):
    entered = make_order(1, PAY_SYSTEM_ID="12", properties={"METHOD_PAY": "каспи"})
    unclear = make_order(2, PAY_SYSTEM_ID="12", properties={"METHOD_PAY": "по ссылке"})
    assert (method_of(entered), method_of(unclear)) == (("kaspi", None), ("", "по ссылке, № 12"))
    choose(browser, 12, "card")
    assert (method_of(entered), method_of(unclear)) == (("card", None), ("card", None))
    choose(browser, 12, "unknown")
    assert (method_of(entered), method_of(unclear)) == (("kaspi", None), ("", "по ссылке, № 12"))


def test_method_that_staff_have_set_is_left(browser, make_order, manager):
    answered, changed, plain = (make_order(key, PAY_SYSTEM_ID="12") for key in (1, 2, 3))
    services.edit_order(order_id=answered.pk, changes={"payment_method": "transfer"}, actor=manager)
    choose(browser, 12, "card")
    services.edit_order(order_id=changed.pk, changes={"payment_method": "cash"}, actor=manager)
    entries = answered.events.count(), changed.events.count()
    ((_level, text),) = choose(browser, 12, "kaspi")
    assert text.endswith("Изменён 1 заказ. 2 заказа сохранили способ, который указали сотрудники.")
    found = [method_of(order) for order in (answered, changed, plain)]
    assert found == [("transfer", None), ("cash", None), ("kaspi", None)]
    assert (answered.events.count(), changed.events.count()) == entries
    assert [order.bitrix_state["agreed"]["payment_method"] for order in (answered, changed)] == ["kaspi", "kaspi"]


def test_pay_system_that_the_site_sets_after_an_answer_of_staff_counts(browser, post_webhook, manager):
    data = order_data(PAY_SYSTEM_ID="12")
    post_webhook("order.create", data)
    order = Order.objects.get()
    services.edit_order(order_id=order.pk, changes={"payment_method": "transfer"}, actor=manager)
    services.choose_payment_method(bitrix_id=12, method="transfer", actor=manager)
    post_webhook("order.update", next_version(data, PAY_SYSTEM_ID="40"))
    assert method_of(order) == ("transfer", "№ 40")
    choose(browser, 40, "card")
    assert method_of(order) == ("card", None)


@pytest.mark.parametrize(
    ("system", "method"), [("12", ""), ("12", "x"), ("", "card"), ("99", "card"), ("1e5", "card"), ("9" * 40, "card")]
)
def test_wrong_choice_shows_an_error_and_changes_nothing(browser, make_order, system, method):
    order = make_order(1, PAY_SYSTEM_ID="12")
    ((level, _text),) = choose(browser, system, method)
    assert (level, method_of(order), order.events.count()) == ("error", ("", "№ 12"), 1)
    assert PaySystem.objects.get().chosen_at is None


def test_reader_sees_the_page_without_buttons_and_others_do_not(browser_of, browser, make_order):
    make_order(1, PAY_SYSTEM_ID="12")
    html = browser_of("orders.view_paysystem").get(PAGE).content.decode()
    assert ("system-12" in html, 'name="method"' in html) == (True, False)
    assert 'name="method"' in browser.get(PAGE).content.decode()
    for right in ("orders.view_order", "orders.change_order", "orders.change_status"):
        assert browser_of(right).get(PAGE).status_code == 403


@pytest.mark.parametrize("role", [FLORIST, MANAGER])
def test_only_a_user_who_changes_reference_data_chooses(make_order, role):
    order = make_order(1, PAY_SYSTEM_ID="12")
    refused = signed_in(person(role)).post(CHOOSE, {"system": 12, "method": "card"})
    assert (refused.status_code, method_of(order)) == (403, ("", "№ 12"))
    choose(signed_in(person(OWNER)), 12, "card")
    assert method_of(order) == ("card", None)


def test_choice_needs_post_and_a_csrf_token(browser, manager, make_order):
    order = make_order(1, PAY_SYSTEM_ID="12")
    assert (browser.get(CHOOSE).status_code, browser.post(PAGE).status_code) == (405, 405)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(manager)
    assert strict.post(CHOOSE, {"system": 12, "method": "card"}).status_code == 403
    assert method_of(order) == ("", "№ 12")


def test_page_without_pay_systems_says_where_they_come_from(browser):
    assert "Платёжных систем пока нет" in browser.get(PAGE).content.decode()


def test_page_and_choice_take_a_constant_number_of_queries(browser, make_order):
    def cost(send):
        with CaptureQueriesContext(connection) as queries:
            assert send().status_code in (200, 302)
        return len(queries)

    def costs(method):
        return cost(lambda: browser.get(PAGE)), cost(lambda: browser.post(CHOOSE, {"system": 12, "method": method}))

    make_order(1, PAY_SYSTEM_ID="12")
    costs("cash")
    few = costs("card")
    for number in range(2, 8):
        make_order(number, PAY_SYSTEM_ID=str(10 + number))
        make_order(100 + number, PAY_SYSTEM_ID="12")
    assert costs("kaspi") == few


def test_start_page_sidebar_and_status_page_name_unmapped_systems(browser, make_order):
    found = probes.pay_systems.run()
    assert (found.level, found.figure) == (Level.GREEN, "у каждой платёжной системы из заказов есть способ оплаты")
    refresh(OFFICE, {"id": 40, "name": "Не используется"})
    make_order(1, PAY_SYSTEM_ID="12")
    make_order(2, PAY_SYSTEM_ID="12")
    found = probes.pay_systems.run()
    assert (found.level, found.figure) == (Level.YELLOW, "без способа оплаты: 1. «Оплата в офисе» (2 заказа)")
    html = " ".join(browser.get("/crm/").content.decode().split())
    assert f'href="{PAGE}"><strong>1</strong><span>Платёжные системы без способа оплаты</span>' in html
    assert f'href="{PAGE}"' in browser.get("/crm/orders/paysystem/").content.decode()
    choose(browser, 12, "cash")
    assert probes.pay_systems.run().level == Level.GREEN


def test_form_of_a_pay_system_does_not_change_its_method(browser, make_order):
    make_order(1, PAY_SYSTEM_ID="12")
    system = PaySystem.objects.get()
    url = f"/crm/orders/paysystem/{system.pk}/change/"
    assert "не выбран" in browser.get(url).content.decode()
    browser.post(url, {"name": "Офис", "is_active": "on", "payment_method": "cash", "bitrix_id": "5"})
    system.refresh_from_db()
    assert (system.name, system.payment_method, system.bitrix_id) == ("Офис", "", 12)


def test_name_of_a_pay_system_is_saved_by_the_service(browser, make_order):
    make_order()
    system = PaySystem.objects.get(bitrix_id=1)
    page = reverse("admin:orders_paysystem_change", args=[system.pk])
    answer = browser.post(page, {"name": "Наличные курьеру", "is_active": "on"})
    assert answer.status_code == 302
    saved = PaySystem.objects.get(pk=system.pk)
    assert (saved.name, saved.bitrix_id, saved.payment_method) == ("Наличные курьеру", 1, system.payment_method)
