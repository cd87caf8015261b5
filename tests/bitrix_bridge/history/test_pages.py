"""The pages of imports: what they say, their buttons, and who gets none of it."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from bitrix_bridge.history import report, slices
from bitrix_bridge.history.reasons import Code, Reason
from bitrix_bridge.history.runs import imports
from bitrix_bridge.models import ImportRow, ImportRun
from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER, OWNER
from orders.models import Order
from tests.bitrix_bridge.history.tables import Schema
from tests.roles import browser_of, person
from tests.samples import order_data

pytestmark = pytest.mark.django_db

LIST = "/crm/bitrix_bridge/importrun/"
ROWS = "/crm/bitrix_bridge/importrow/"


def page_of(run):
    return reverse("admin:bitrix_bridge_importrun_change", args=[run.pk])


def button(name, run):
    return reverse(f"admin:bitrix_bridge_importrun_{name}", args=[run.pk])


def html(answer):
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def reader(*codenames):
    user = User.objects.create_user(f"user{User.objects.count()}", password="made-up", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return browser_of(user)


@pytest.fixture
def browser(manager) -> Client:
    return browser_of(manager)


@pytest.fixture(autouse=True)
def _copy_is_known(settings):
    settings.BITRIX_MYSQL_URL = "mysql://crm:made-up@127.0.0.1:1/site"


@pytest.fixture
def order(post_webhook):
    assert post_webhook("order.create", order_data()).json()["action"] == "created"
    return Order.objects.get()


@pytest.fixture
def run(order):
    """A run that is through: one order here, one failed, one skipped."""
    run = ImportRun.objects.create(
        source="crm@10.0.0.5:3306/site", options={"count": 3, "since": "2025-08-11T00:00:00+05:00", "batch_size": 10},
        expected=3,
    )  # fmt: skip
    told = [
        (order.bitrix_order_id, "created", [Reason(Code.UNKNOWN_CITY, "99"), Reason(Code.NO_NUMBER)], order),
        (122_900, "failed", [Reason(Code.FAILED, "ValueError: made up")], None),
        (122_901, "skipped", [Reason(Code.RUNNING)], None),
    ]
    for key, outcome, reasons, of in told:
        values = [reason.as_json() for reason in reasons]
        ImportRow.objects.create(run=run, bitrix_order_id=key, outcome=outcome, reasons=values, order=of)
    ImportRun.objects.update(state="done", finished_at=timezone.now(), created=1, failed=1, skipped=1)
    run.refresh_from_db()
    run.reasons = report.grouped_reasons(run)
    run.save()
    return run


class TestList:
    def test_empty_it_says_how_a_run_is_started(self, browser):
        shown = html(browser.get(LIST))
        assert "--dry-run" in shown
        assert "следа не оставляет" in shown

    def test_a_run_in_a_row(self, browser, run):
        shown = html(browser.get(LIST))
        assert "1 из 2" in shown
        assert "crm@10.0.0.5:3306/site" in shown
        assert page_of(run) in shown
        ImportRun.objects.update(state="running", expected=30)
        assert "10 %" in html(browser.get(LIST))
        assert html(browser.get(LIST, {"state__exact": "done"})).count(page_of(run)) == 0


class TestPage:
    def test_what_a_run_has_done(self, browser, run, order):
        shown = html(browser.get(page_of(run)))
        assert "1 из 2 заказов перенесено" in shown
        assert "оформленные с 11.08.2025 00:00, не больше 3 заказов, по 10 за раз" in shown
        reasons = shown[shown.index('id="reasons"') : shown.index('id="orders"')]
        assert "город 99 неизвестен" in reasons
        assert "создана заглушка" in reasons
        assert "sync_bitrix_reference" in reasons
        assert reasons.index("ошибка: ValueError: made up") < reasons.index("город 99")
        link = reverse("admin:orders_order_change", args=[order.pk])
        assert f'href="{link}">{order.bitrix_order_id}</a>' in reasons
        assert 'href="?id=122900#orders"' in reasons
        rows = shown[shown.index("crm-import-orders") :]
        assert rows.index("122900") < rows.index(str(order.bitrix_order_id)) < rows.index("122901")
        assert "город 99 неизвестен — создана заглушка" in rows
        assert link in rows
        assert order.customer.phone
        assert order.customer.phone not in shown
        assert order.recipient_name not in shown
        assert "{&quot;" not in shown
        assert "unknown_city" not in shown

    @pytest.mark.parametrize(
        ("query", "ids"),
        [
            ({"outcome": "failed"}, {"122900"}),
            ({"outcome": "skipped"}, {"122901"}),
            ({"outcome": "updated"}, set()),
            ({"id": " 122901 "}, {"122901"}),
            ({"id": "1", "outcome": "failed"}, set()),
            ({"id": "nonsense"}, set()),
            ({"page": "2"}, set()),
        ],
    )
    def test_some_of_its_orders(self, browser, run, query, ids):
        shown = html(browser.get(page_of(run), query))
        found = re.findall(r'<th scope="row" data-label="ID на сайте">(\d+)</th>', shown)
        assert set(found) == ids
        assert "Таких нет" in shown or "такого нет" in shown or "хранится" in shown or ids

    def test_nonsense_in_the_address_shows_all(self, browser, run):
        assert html(browser.get(page_of(run), {"outcome": "x", "page": "y"})).count('<tr> <th scope="row"') == 3

    def test_pages_of_many(self, browser, run, order):
        ImportRow.objects.bulk_create(
            [ImportRow(run=run, bitrix_order_id=200_000 + number, outcome="unchanged") for number in range(60)]
        )
        shown = html(browser.get(page_of(run), {"outcome": "unchanged"}))
        assert "?outcome=unchanged&amp;page=2#orders" in shown
        assert "200059" in html(browser.get(page_of(run), {"outcome": "unchanged", "page": "2"}))

    def test_it_links_to_orders_only_for_those_who_may_see_them(self, run, order):
        shown = html(reader("view_importrun").get(page_of(run)))
        assert str(order.bitrix_order_id) in shown
        assert f"/orders/order/{order.pk}" not in shown
        assert 'method="post" action="/crm/bitrix_bridge' not in shown

    def test_a_run_whose_rows_are_pruned(self, browser, run):
        ImportRow.objects.all().delete()
        shown = html(browser.get(page_of(run)))
        assert "город 99" in shown
        assert "хранится 90 дней" in shown

    def test_lists_and_page_cost_the_same_with_many(self, browser, run, order, django_assert_num_queries):
        paths = (LIST, ROWS, page_of(run))
        few = {}
        for path in paths:
            browser.get(path)
            with CaptureQueriesContext(connection) as queries:
                browser.get(path)
            few[path] = len(queries)
            assert not [one for one in queries if "COUNT(" in one["sql"]]
        for number in range(10):
            ImportRun.objects.create(state="done", created=number, source="crm@x/y")
        reasons = [Reason(Code.UNKNOWN_SHOP, "7").as_json()]
        ImportRow.objects.bulk_create(
            [
                ImportRow(run=run, bitrix_order_id=300_000 + number, outcome="created", order=order, reasons=reasons)
                for number in range(40)
            ]
        )
        ImportRun.objects.filter(pk=run.pk).update(reasons=report.grouped_reasons(run))
        for path in paths:
            with django_assert_num_queries(few[path]):
                browser.get(path)
        assert max(few.values()) <= 8

    def test_rows_in_a_list_of_their_own(self, browser, run):
        shown = html(browser.get(ROWS, {"q": "122900"}))
        assert "ошибка: ValueError: made up — заказ не перенесён" in shown
        assert "122901" not in shown
        assert "122900" not in html(browser.get(ROWS, {"outcome__exact": "skipped"}))
        row = ImportRow.objects.get(outcome="created")
        shown = html(browser.get(reverse("admin:bitrix_bridge_importrow_change", args=[row.pk])))
        assert "город 99 неизвестен — создана заглушка" in shown


class TestWatching:
    def test_progress(self, browser, run):
        ImportRun.objects.update(state="running", expected=30)
        assert "10 %: 3 из 30" in html(browser.get(button("progress", run)))
        shown = html(browser.get(page_of(run)))
        assert 'hx-trigger="every 2s"' in shown
        assert "Повторить неудавшиеся" not in shown
        imports.stop(run)
        answer = browser.get(button("progress", run))
        assert (answer.headers["HX-Refresh"], answer.content) == ("true", b"")
        assert "every 2s" not in html(browser.get(page_of(run)))

    def test_of_a_retry(self, browser, run):
        ImportRun.objects.update(state="running", is_retry=True, after_id=0)
        assert "повторяются, осталось: 1" in html(browser.get(button("progress", run)))
        ImportRun.objects.update(after_id=122_900)
        assert "повторяются, осталось: 0" in html(browser.get(page_of(run)))

    def test_why_it_failed_and_what_to_do(self, browser, run):
        ImportRun.objects.update(state="failed", error="MySQL не отвечает")
        shown = html(browser.get(page_of(run)))
        assert "MySQL не отвечает" in shown
        assert "--resume" in shown
        assert "Продолжить" in shown


class TestButtons:
    def test_failed_orders_are_repeated_once(self, browser, run, django_capture_on_commit_callbacks):
        assert "Повторить неудавшиеся (1)" in html(browser.get(page_of(run)))
        with django_capture_on_commit_callbacks(execute=True):
            shown = html(browser.post(button("resume", run), follow=True))
            assert "Неудавшиеся заказы повторяются" in shown
            assert "Остановить" in shown
            assert "уже идёт" in html(browser.post(button("resume", run), follow=True))
        assert OrmQ.objects.count() == 1
        run.refresh_from_db()
        assert (run.state, run.is_retry, run.claimed_by, run.resumed_by.username) == ("running", True, None, "manager")
        assert "Данияр" in html(browser.get(page_of(run)))

    @pytest.mark.parametrize("schema", [Schema.NEW], ids=["new"])
    def test_the_worker_brings_them_over(self, browser, run, source, schema, django_capture_on_commit_callbacks):
        ImportRow.objects.filter(outcome="failed").update(bitrix_order_id=122_112)
        with django_capture_on_commit_callbacks(execute=True):
            browser.post(button("resume", run))
        slices.work_slice(str(run.pk))
        shown = html(browser.get(page_of(run)))
        assert "2 из 2 заказов перенесено" in shown
        assert "Повторить" not in shown
        assert Order.objects.filter(bitrix_order_id=122_112).exists()
        assert "Повторять нечего" in html(browser.post(button("resume", run), follow=True))

    @pytest.mark.parametrize("state", ["stopped", "failed"])
    def test_a_run_that_was_cut_goes_on(self, browser, run, state, django_capture_on_commit_callbacks):
        ImportRun.objects.update(state=state, after_id=5)
        shown = html(browser.get(page_of(run)))
        assert "Продолжить" in shown
        assert "Повторить неудавшиеся" not in shown
        with django_capture_on_commit_callbacks(execute=True):
            assert "Импорт продолжается" in html(browser.post(button("resume", run), follow=True))
        run.refresh_from_db()
        assert (run.is_retry, run.after_id, OrmQ.objects.count()) == (False, 5, 1)

    def test_a_retry_that_was_stopped_is_repeated(self, browser, run):
        ImportRun.objects.update(state="stopped", is_retry=True, after_id=122_900)
        assert "Повторить неудавшиеся (1)" in html(browser.get(page_of(run)))
        browser.post(button("resume", run))
        run.refresh_from_db()
        assert (run.state, run.is_retry, run.after_id) == ("running", True, 0)

    def test_stopped_and_stopped_again(self, browser, run):
        ImportRun.objects.update(state="running")
        assert "Импорт остановлен" in html(browser.post(button("stop", run), follow=True))
        assert "уже не идёт" in html(browser.post(button("stop", run), follow=True))

    def test_without_a_copy_it_says_so(self, browser, run, settings):
        settings.BITRIX_MYSQL_URL = ""
        shown = html(browser.get(page_of(run)))
        assert "BITRIX_MYSQL_URL" in shown
        assert "Повторить неудавшиеся" not in shown
        assert "BITRIX_MYSQL_URL" in html(browser.post(button("resume", run), follow=True))
        run.refresh_from_db()
        assert run.state == "done"
        assert not OrmQ.objects.exists()

    def test_one_at_a_time(self, browser, run):
        ImportRun.objects.create()
        assert "Импорт уже идёт" in html(browser.post(button("resume", run), follow=True))
        run.refresh_from_db()
        assert run.state == "done"
        assert not OrmQ.objects.exists()

    def test_nothing_to_repeat(self, browser, run):
        ImportRun.objects.update(failed=0)
        assert "Повторить" not in html(browser.get(page_of(run)))
        assert "Повторять нечего" in html(browser.post(button("resume", run), follow=True))

    def test_no_such_run(self, browser):
        nobody = "00000000-0000-0000-0000-000000000000"
        for name in ("resume", "stop"):
            assert browser.post(f"{LIST}{nobody}/{name}/").status_code == 404
        assert browser.get(f"{LIST}{nobody}/progress/").status_code == 404
        answer = browser.get(f"{LIST}{nobody}/change/", follow=True)
        assert answer.redirect_chain[0][0] == LIST
        assert "Этой записи больше нет" in html(answer)


class TestWhoMay:
    @pytest.mark.parametrize("role", [FLORIST, DISPATCHER, ACCOUNTANT], ids=lambda role: role.name)
    def test_others_get_nothing(self, run, role):
        browser = browser_of(person(role))
        row = ImportRow.objects.first()
        for path in (LIST, page_of(run), button("progress", run), ROWS, f"{ROWS}{row.pk}/change/"):
            assert browser.get(path).status_code == 403
        for name in ("resume", "stop"):
            assert browser.post(button(name, run)).status_code == 403
        run.refresh_from_db()
        assert run.state == "done"

    @pytest.mark.parametrize("role", [MANAGER, OWNER], ids=lambda role: role.name)
    def test_those_who_repair_the_exchange_may(self, run, role):
        browser = browser_of(person(role))
        assert "Повторить неудавшиеся" in html(browser.get(page_of(run)))
        assert browser.post(button("resume", run)).status_code == 302
        run.refresh_from_db()
        assert run.state == "running"

    def test_a_reader_may_not_press(self, run):
        browser = reader("view_importrun", "view_importrow")
        assert "Повторить неудавшиеся" not in html(browser.get(page_of(run)))
        for name in ("resume", "stop"):
            assert browser.post(button(name, run)).status_code == 403

    def test_nobody_presses_by_a_link_or_for_somebody_else(self, manager, run):
        careful = Client(enforce_csrf_checks=True)
        careful.force_login(manager)
        for name in ("resume", "stop"):
            assert careful.get(button(name, run)).status_code == 405
            assert careful.post(button(name, run)).status_code == 403
        assert "/login/" in Client().post(button("resume", run)).url
