"""Tests of the admin pages of imports: their contents, buttons and permissions."""

import re

import pytest
from django.contrib.auth.models import Permission
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
from cvety_crm.users import User
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
    """Create a finished run with one imported, one failed and one skipped order."""
    run = ImportRun.objects.create(
        source="crm@10.0.0.5:3306/site", options={"count": 3, "since": "2025-08-11T00:00:00+05:00", "batch_size": 10},
        expected=3,
    )  # fmt: skip
    rows = [
        (order.bitrix_order_id, "created", [Reason(Code.UNKNOWN_CITY, "99"), Reason(Code.NO_NUMBER)], order),
        (122_900, "failed", [Reason(Code.FAILED, "ValueError: made up")], None),
        (122_901, "skipped", [Reason(Code.RUNNING)], None),
    ]
    for key, outcome, reasons, of in rows:
        values = [reason.as_json() for reason in reasons]
        ImportRow.objects.create(run=run, bitrix_order_id=key, outcome=outcome, reasons=values, order=of)
    ImportRun.objects.update(state="done", finished_at=timezone.now(), created=1, failed=1, skipped=1)
    run.refresh_from_db()
    run.reasons = report.grouped_reasons(run)
    run.save()
    return run


class TestRunList:
    def test_empty_list_explains_how_to_start_an_import(self, browser):
        shown = html(browser.get(LIST))
        assert "--dry-run" in shown
        assert "следа не оставляет" in shown

    def test_list_row_shows_result_copy_and_progress(self, browser, run):
        shown = html(browser.get(LIST))
        assert "1 из 2" in shown
        assert "crm@10.0.0.5:3306/site" in shown
        assert page_of(run) in shown
        ImportRun.objects.update(state="running", expected=30)
        assert "10 %" in html(browser.get(LIST))
        assert html(browser.get(LIST, {"state__exact": "done"})).count(page_of(run)) == 0


class TestRunPage:
    def test_page_shows_result_reasons_and_orders_without_customer_data(self, browser, run, order):
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
    def test_orders_are_filtered_by_outcome_and_id(self, browser, run, query, ids):
        shown = html(browser.get(page_of(run), query))
        found = re.findall(r'<th scope="row" data-label="ID на сайте">(\d+)</th>', shown)
        assert set(found) == ids
        assert "Таких нет" in shown or "такого нет" in shown or "хранится" in shown or ids

    def test_invalid_query_parameters_show_all_orders(self, browser, run):
        assert html(browser.get(page_of(run), {"outcome": "x", "page": "y"})).count('<tr> <th scope="row"') == 3

    def test_orders_are_paginated_with_the_filter_kept(self, browser, run, order):
        ImportRow.objects.bulk_create(
            [ImportRow(run=run, bitrix_order_id=200_000 + number, outcome="unchanged") for number in range(60)]
        )
        shown = html(browser.get(page_of(run), {"outcome": "unchanged"}))
        assert "?outcome=unchanged&amp;page=2#orders" in shown
        assert "200059" in html(browser.get(page_of(run), {"outcome": "unchanged", "page": "2"}))

    def test_orders_are_links_only_for_users_who_may_see_orders(self, run, order):
        shown = html(reader("view_importrun").get(page_of(run)))
        assert str(order.bitrix_order_id) in shown
        assert f"/orders/order/{order.pk}" not in shown
        assert 'method="post" action="/crm/bitrix_bridge' not in shown

    def test_page_of_a_pruned_run_explains_the_missing_rows(self, browser, run):
        ImportRow.objects.all().delete()
        shown = html(browser.get(page_of(run)))
        assert "город 99" in shown
        assert "хранится 90 дней" in shown

    def test_query_count_does_not_grow_with_runs_and_orders(self, browser, run, order, django_assert_num_queries):
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

    def test_list_of_imported_orders_can_be_searched_and_filtered(self, browser, run):
        shown = html(browser.get(ROWS, {"q": "122900"}))
        assert "ошибка: ValueError: made up — заказ не перенесён" in shown
        assert "122901" not in shown
        assert "122900" not in html(browser.get(ROWS, {"outcome__exact": "skipped"}))
        row = ImportRow.objects.get(outcome="created")
        shown = html(browser.get(reverse("admin:bitrix_bridge_importrow_change", args=[row.pk])))
        assert "город 99 неизвестен — создана заглушка" in shown


class TestProgress:
    def test_progress_is_polled_while_the_run_is_active(self, browser, run):
        ImportRun.objects.update(state="running", expected=30)
        assert "10 %: 3 из 30" in html(browser.get(button("progress", run)))
        shown = html(browser.get(page_of(run)))
        assert 'hx-trigger="every 2s"' in shown
        assert "Повторить неудавшиеся" not in shown
        imports.stop(run)
        answer = browser.get(button("progress", run))
        assert (answer.headers["HX-Refresh"], answer.content) == ("true", b"")
        assert "every 2s" not in html(browser.get(page_of(run)))

    def test_progress_of_a_retry_shows_orders_left(self, browser, run):
        ImportRun.objects.update(state="running", is_retry=True, after_id=0)
        assert "повторяются, осталось: 1" in html(browser.get(button("progress", run)))
        ImportRun.objects.update(after_id=122_900)
        assert "повторяются, осталось: 0" in html(browser.get(page_of(run)))

    def test_page_of_failed_run_shows_error_and_how_to_resume(self, browser, run):
        ImportRun.objects.update(state="failed", error="MySQL не отвечает")
        shown = html(browser.get(page_of(run)))
        assert "MySQL не отвечает" in shown
        assert "--resume" in shown
        assert "Продолжить" in shown


class TestButtons:
    def test_resume_button_queues_one_retry_of_failed_orders(self, browser, run, django_capture_on_commit_callbacks):
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
    def test_worker_imports_failed_orders_after_resume(
        self, browser, run, source, schema, django_capture_on_commit_callbacks
    ):
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
    def test_interrupted_run_is_resumed_from_its_place(self, browser, run, state, django_capture_on_commit_callbacks):
        ImportRun.objects.update(state=state, after_id=5)
        shown = html(browser.get(page_of(run)))
        assert "Продолжить" in shown
        assert "Повторить неудавшиеся" not in shown
        with django_capture_on_commit_callbacks(execute=True):
            assert "Импорт продолжается" in html(browser.post(button("resume", run), follow=True))
        run.refresh_from_db()
        assert (run.is_retry, run.after_id, OrmQ.objects.count()) == (False, 5, 1)

    def test_stopped_retry_is_resumed_from_the_first_failed_order(self, browser, run):
        ImportRun.objects.update(state="stopped", is_retry=True, after_id=122_900)
        assert "Повторить неудавшиеся (1)" in html(browser.get(page_of(run)))
        browser.post(button("resume", run))
        run.refresh_from_db()
        assert (run.state, run.is_retry, run.after_id) == ("running", True, 0)

    def test_stop_button_stops_once_and_then_reports_a_stopped_run(self, browser, run):
        ImportRun.objects.update(state="running")
        assert "Импорт остановлен" in html(browser.post(button("stop", run), follow=True))
        assert "уже не идёт" in html(browser.post(button("stop", run), follow=True))

    def test_resume_without_a_configured_copy_shows_an_error(self, browser, run, settings):
        settings.BITRIX_MYSQL_URL = ""
        shown = html(browser.get(page_of(run)))
        assert "BITRIX_MYSQL_URL" in shown
        assert "Повторить неудавшиеся" not in shown
        assert "BITRIX_MYSQL_URL" in html(browser.post(button("resume", run), follow=True))
        run.refresh_from_db()
        assert run.state == "done"
        assert not OrmQ.objects.exists()

    def test_resume_while_another_run_is_active_shows_a_warning(self, browser, run):
        ImportRun.objects.create()
        assert "Импорт уже идёт" in html(browser.post(button("resume", run), follow=True))
        run.refresh_from_db()
        assert run.state == "done"
        assert not OrmQ.objects.exists()

    def test_resume_without_failed_orders_shows_a_message(self, browser, run):
        ImportRun.objects.update(failed=0)
        assert "Повторить" not in html(browser.get(page_of(run)))
        assert "Повторять нечего" in html(browser.post(button("resume", run), follow=True))

    def test_unknown_run_gives_404_or_redirect_to_the_list(self, browser):
        unknown_id = "00000000-0000-0000-0000-000000000000"
        for name in ("resume", "stop"):
            assert browser.post(f"{LIST}{unknown_id}/{name}/").status_code == 404
        assert browser.get(f"{LIST}{unknown_id}/progress/").status_code == 404
        answer = browser.get(f"{LIST}{unknown_id}/change/", follow=True)
        assert answer.redirect_chain[0][0] == LIST
        assert "Этой записи больше нет" in html(answer)


class TestPermissions:
    @pytest.mark.parametrize("role", [FLORIST, DISPATCHER, ACCOUNTANT], ids=lambda role: role.name)
    def test_roles_without_the_permission_get_403(self, run, role):
        browser = browser_of(person(role))
        row = ImportRow.objects.first()
        for path in (LIST, page_of(run), button("progress", run), ROWS, f"{ROWS}{row.pk}/change/"):
            assert browser.get(path).status_code == 403
        for name in ("resume", "stop"):
            assert browser.post(button(name, run)).status_code == 403
        run.refresh_from_db()
        assert run.state == "done"

    @pytest.mark.parametrize("role", [MANAGER, OWNER], ids=lambda role: role.name)
    def test_manager_and_owner_may_resume_a_run(self, run, role):
        browser = browser_of(person(role))
        assert "Повторить неудавшиеся" in html(browser.get(page_of(run)))
        assert browser.post(button("resume", run)).status_code == 302
        run.refresh_from_db()
        assert run.state == "running"

    def test_user_with_view_permission_cannot_resume_or_stop(self, run):
        browser = reader("view_importrun", "view_importrow")
        assert "Повторить неудавшиеся" not in html(browser.get(page_of(run)))
        for name in ("resume", "stop"):
            assert browser.post(button(name, run)).status_code == 403

    def test_buttons_refuse_get_forged_and_anonymous_requests(self, manager, run):
        csrf_client = Client(enforce_csrf_checks=True)
        csrf_client.force_login(manager)
        for name in ("resume", "stop"):
            assert csrf_client.get(button(name, run)).status_code == 405
            assert csrf_client.post(button(name, run)).status_code == 403
        assert "/login/" in Client().post(button("resume", run))["Location"]
