"""Tests of the page «Статусы сайта» and of the form of a status, which report how many orders have moved."""

import re

import pytest
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bitrix_bridge import probes
from cvety_crm.ops.health import Level
from orders.models import Courier, Order, SiteStatus, Status
from tests.orders.services.test_status_questions import MEASURED, refresh, status
from tests.page_forms import read_form

pytestmark = pytest.mark.django_db
PAGE, DECIDE = "/crm/orders/status/site/", "/crm/orders/status/site/decide/"
PROFILE = "/crm/orders/status/site/profile/"


def sections(html):
    """Return the visible text of each status on the page, by the code of the site."""
    found = re.findall(r'<section class="crm-card[^"]*" id="code-(\w+)">(.*?)</section>', html, re.DOTALL)
    return {code: " ".join(re.sub(r"<[^>]+>", " ", text).split()) for code, text in found}


def decide(browser, code, choice):
    answer = browser.post(DECIDE, {"code": code, "choice": choice})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    return [(message.level_tag, str(message)) for message in get_messages(answer.wsgi_request)]


def test_page_shows_both_sides_with_undecided_statuses_first(browser, make_order):
    make_order(1, STATUS_ID="DE")
    make_order(2, STATUS_ID="TR")
    refresh(**MEASURED, TR="Передан курьеру")
    shown = sections(browser.get(PAGE).content.decode())
    assert list(shown)[:6] == ["PD", "CO", "CF", "RD", "DE", "TR"]
    assert shown["DE"].startswith("На сайте DE В пути порядок 8, 1 заказ Здесь ! Отклонён этап «Отменён» ➤ Этап")
    assert shown["TR"].startswith("На сайте TR Передан курьеру порядок 11, 1 заказ Здесь ! Передан курьеру этап не в")
    assert "только принимается с сайта" in shown["CF"]
    assert shown["CN"].startswith("На сайте CN название неизвестно 0 заказов Здесь × Отменён этап «Отменён»")


def test_one_click_chooses_the_stage(browser, make_order):
    make_order(1, STATUS_ID="DE")
    refresh(DE="В пути")
    ((level, text),) = decide(browser, "DE", "delivering")
    assert (level, text) == (
        "success",
        "У статуса «В пути» этап «В пути». В нём 1 заказ. Исправлены следующие шаги ещё 3 статусов.",
    )
    assert status("declined").stage == "delivering"


def test_one_click_makes_a_separate_status(browser, make_order):
    make_order(1, STATUS_ID="DE")
    refresh(DE="В пути")
    ((level, text),) = decide(browser, "DE", "separate")
    assert level == "success"
    assert text.startswith("«В пути» теперь отдельный статус, этап «В пути». Перенесён 1 заказ.")
    assert Order.objects.get().status_id == "bitrix_DE"
    assert (status("declined").stage, status("declined").bitrix_codes) == ("cancelled", [])


@pytest.mark.parametrize(("code", "choice"), [("DE", ""), ("DE", "x"), ("", "ready"), ("QQ", "separate")])
def test_wrong_choice_shows_an_error_and_changes_nothing(browser, code, choice):
    refresh(DE="В пути")
    before = list(Status.objects.order_by("pk").values())
    ((level, _text),) = decide(browser, code, choice)
    assert (level, list(Status.objects.order_by("pk").values())) == ("error", before)


def test_reader_sees_the_page_without_buttons_and_others_do_not(browser_of, browser):
    refresh(DE="В пути")
    reader = browser_of("orders.view_status")
    html = reader.get(PAGE).content.decode()
    assert ("code-DE" in html, 'name="choice"' in html) == (True, False)
    assert 'name="choice"' in browser.get(PAGE).content.decode()
    for right in ("orders.view_order", "orders.change_order_status", "orders.view_city"):
        assert browser_of(right).get(PAGE).status_code == 403


@pytest.mark.parametrize("rights", [(), ("view_status",), ("change_status",), ("add_status",), ("change_order",)])
def test_decision_without_the_permissions_is_refused_without_a_trace(browser_of, rights):
    refresh(DE="В пути")
    browser = browser_of("orders.view_status", *(f"orders.{right}" for right in rights))
    assert browser.post(DECIDE, {"code": "DE", "choice": "delivering"}).status_code == 403
    assert status("declined").questioned_stage == "cancelled"


def test_decision_needs_post_and_a_csrf_token(browser, manager):
    refresh(DE="В пути")
    assert (browser.get(DECIDE).status_code, browser.post(PAGE).status_code) == (405, 405)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(manager)
    assert strict.post(DECIDE, {"code": "DE", "choice": "delivering"}).status_code == 403
    assert status("declined").questioned_stage == "cancelled"


def test_page_takes_constant_number_of_queries(browser, make_order):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(PAGE).status_code == 200
        return len(queries)

    refresh(N="Новый")
    make_order(1)
    cost()
    few = cost()
    refresh(**MEASURED)
    for number in range(2, 8):
        make_order(number, STATUS_ID="DE")
    assert cost() == few


class TestProfiles:
    def load(self, browser, name):
        return browser.post(PROFILE, {"profile": name})

    def test_button_loads_the_profile_and_reports_the_orders(self, browser, make_order):
        make_order(1, STATUS_ID="DE")
        page = browser.get(PAGE).content.decode()
        assert ('value="specification"' in page, 'value="measured"' in page) == (True, True)
        answer = self.load(browser, "measured")
        (said,) = [str(message) for message in get_messages(answer.wsgi_request)]
        assert said == "Статусов задано: 28, удалено: 0. Заказов перенесено: 1."
        assert Order.objects.get().status.name == "В пути"

    def test_unknown_profile_shows_an_error(self, browser):
        (said,) = [str(message) for message in get_messages(self.load(browser, "x").wsgi_request)]
        assert said == "Такого набора нет."

    def test_loading_is_refused_without_permissions_post_or_token(self, browser_of, browser, manager):
        assert self.load(browser_of("orders.view_status", "orders.change_status"), "measured").status_code == 403
        assert 'value="measured"' not in browser_of("orders.view_status").get(PAGE).content.decode()
        assert browser.get(PROFILE).status_code == 405
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(manager)
        assert self.load(strict, "measured").status_code == 403
        assert Status.objects.count() == 10

    def test_bulk_actions_choose_the_status_by_its_stage(self, browser, make_order):
        order = make_order(1)
        self.load(browser, "measured")
        Order.objects.update(ready_at=order.created_at, courier=Courier.objects.create(name="Ерлан"))
        for action, code in (("accept_selected", "confirmed"), ("hand_over_selected", "in_transit"),
                             ("complete_selected", "completed")):  # fmt: skip
            browser.post("/crm/orders/order/?preset=all", {"action": action, "_selected_action": str(order.pk)})
            order.refresh_from_db()
            assert order.status_id == code

    def test_bulk_action_without_a_status_of_the_stage_shows_an_error(self, browser, make_order):
        order = make_order(1)
        refresh(AP="Подарок")
        url = "/crm/orders/order/?preset=all"
        answer = browser.post(url, {"action": "accept_selected", "_selected_action": str(order.pk)})
        refusal = "№ 1: После «Новый» сейчас нет обычного шага: выберите статус сами."
        assert refusal in [str(one) for one in get_messages(answer.wsgi_request)]
        order.refresh_from_db()
        assert order.status_id == "new"


class TestElsewhere:
    def test_start_page_and_sidebar_count_undecided_statuses(self, browser):
        assert "Статусы сайта, по которым нужно решение: <span>0</span>" in browser.get("/crm/").content.decode()
        refresh(DE="В пути", PD="Оплачен")
        cache.clear()
        html = " ".join(browser.get("/crm/").content.decode().split())
        assert f'href="{PAGE}"><strong>2</strong><span>Статусы сайта, по которым нужно решение</span>' in html

    def test_status_page_names_undecided_statuses(self):
        found = probes.site_statuses.run()
        assert (found.level, found.figure) == (Level.GREEN, "у каждого статуса есть этап")
        refresh(DE="В пути")
        found = probes.site_statuses.run()
        assert (found.level, found.figure) == (Level.YELLOW, "нужно решить: DE «В пути»")

    def test_list_of_statuses_links_to_the_page(self, browser):
        assert f'href="{PAGE}"' in browser.get("/crm/orders/status/").content.decode()

    def test_questioned_status_is_not_offered(self, browser, make_order):
        order = make_order(1)
        refresh(AP="Подарок", DE="В пути")
        dialog = browser.get(f"/crm/orders/order/{order.pk}/status/").content.decode()
        assert ("Отменён" in dialog, "Принят" in dialog, "Отклонён" in dialog) == (True, False, False)
        html = browser.get("/crm/orders/order/?preset=all").content.decode()
        assert re.findall(r"crm-next [^>]*>→&nbsp;([^<]*)<", html) == []


class TestForm:
    def change(self, browser, code, **values):
        row = status(code)
        url = f"/crm/orders/status/{row.pk}/change/"
        form = read_form(browser.get(url).content.decode(), "status_form")
        answer = browser.post(url, {**form, **values})
        assert answer.status_code == 302, answer.content.decode()
        return [str(message) for message in get_messages(answer.wsgi_request)]

    def test_new_stage_is_a_decision_and_reports_the_orders(self, browser, make_order):
        make_order(1, STATUS_ID="DE")
        refresh(DE="В пути")
        said = self.change(browser, "declined", stage="delivering")
        declined = status("declined")
        assert (declined.stage, declined.questioned_stage, declined.needs_attention) == ("delivering", "", False)
        assert any("В нём 1 заказ." in text for text in said), said
        assert "declined" not in status("new").next_codes

    def test_next_statuses_edited_together_with_the_stage_are_kept(self, browser):
        self.change(browser, "declined", stage="delivering", next_codes="finished")
        assert (status("declined").next_codes, "declined" in status("new").next_codes) == (["finished"], False)

    def test_other_fields_do_not_end_the_question(self, browser):
        refresh(DE="В пути")
        self.change(browser, "declined", name="Не берём", needs_attention="")
        declined = status("declined")
        assert (declined.name, declined.stage, declined.questioned_stage) == ("Не берём", "problem", "cancelled")
        assert declined.needs_attention

    def test_moved_code_takes_its_orders_along(self, browser, make_order):
        order = make_order(1, STATUS_ID="CF")
        self.change(browser, "completed", bitrix_codes="CO")
        said = self.change(browser, "processing", bitrix_codes="P,CF")
        order.refresh_from_db()
        assert (order.status_id, order.events.first().reason) == ("processing", "status_moved")
        assert "Перенесён 1 заказ." in said

    def test_new_status_takes_the_orders_of_its_code(self, browser, make_order):
        order = make_order(1, STATUS_ID="ZZ")
        self.change(browser, "bitrix_ZZ", bitrix_codes="")
        form = {"name": "Упаковка", "code": "packing", "stage": "making", "sort": "35", "bitrix_codes": "ZZ"}
        answer = browser.post("/crm/orders/status/add/", {**form, "next_codes": ""})
        assert answer.status_code == 302, answer.content.decode()
        order.refresh_from_db()
        assert order.status_id == "packing"

    def test_code_whose_name_does_not_fit_is_questioned_when_it_is_moved(self, browser):
        SiteStatus.objects.create(code="ZZ", name="Отменён", sort=5)
        self.change(browser, "accepted", bitrix_codes="AP,ZZ")
        assert status("accepted").questioned_stage == "accepted"
