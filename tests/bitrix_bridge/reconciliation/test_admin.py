"""Tests of comparisons in the admin: start, progress, decisions and permissions."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_q.models import OrmQ

from bitrix_bridge.models import Difference, Reconciliation
from bitrix_bridge.reconciliation import runs
from bitrix_bridge.reconciliation.probes import last_run
from bitrix_bridge.reconciliation.runs import comparisons
from bitrix_bridge.reconciliation.slices import work_slice
from bitrix_bridge.sandbox import faults
from cvety_crm.ops.health import Level
from cvety_crm.users import User
from orders.models import Order

pytestmark = pytest.mark.django_db

LIST = "/crm/bitrix_bridge/reconciliation/"


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture
def browser(manager):
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def browser_of(db):
    """Return a function that logs in a member of staff who has only the given permissions."""

    def make(*codenames):
        user = User.objects.create_user(f"user{User.objects.count()}", password="made-up", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def run_with_difference(site, place, compare_sides):
    """Return a run that has found a different sum of one order."""
    (order,) = place(1)
    site.site.write_raw(order.bitrix_order_id, {"PRICE": "12345"})
    return compare_sides()


def page_of(run):
    return reverse("admin:bitrix_bridge_reconciliation_change", args=[run.pk])


def button(name, row):
    return reverse(f"admin:bitrix_bridge_reconciliation_{name}", args=[row.pk])


def html(answer):
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


class TestStart:
    @pytest.mark.parametrize(("repair", "period"), [("0", ""), ("1", "3"), ("0", "nonsense")])
    def test_start_button_queues_a_run_that_the_worker_finishes(
        self, site, place, browser, repair, period, django_capture_on_commit_callbacks
    ):
        place(2)
        with django_capture_on_commit_callbacks(execute=True):
            answer = browser.post(f"{LIST}start/", {"repair": repair, "period": period}, follow=True)
        run = Reconciliation.objects.get()
        assert (run.is_repair, run.since is not None, run.origin) == (repair == "1", period == "3", "page")
        assert (run.started_by.username, OrmQ.objects.count()) == ("manager", 1)
        assert "Сверка началась" in html(answer)
        work_slice(str(run.pk))
        run.refresh_from_db()
        assert (run.state, run.compared) == ("done", 2)
        assert "Расхождений нет" in html(browser.get(page_of(run)))

    def test_start_during_an_active_run_shows_a_warning(self, site, browser):
        run = runs.start(origin=runs.Origin.SCHEDULE, is_repair=True)
        shown = html(browser.get(LIST))
        assert page_of(run) in shown
        assert 'name="repair"' not in shown
        assert "Сверка уже идёт" in html(browser.post(f"{LIST}start/", {"repair": "1"}, follow=True))
        assert Reconciliation.objects.count() == 1


class TestProgress:
    def test_progress_is_polled_while_the_run_is_active(self, site, place, browser):
        place(3)
        run = runs.start(origin=runs.Origin.PAGE, is_repair=False)
        Reconciliation.objects.update(compared=1, differences=7)
        shown = html(browser.get(button("progress", run)))
        assert "33 %: 1 из 3" in shown
        assert "расхождений: 7" in shown
        assert 'hx-trigger="every 2s"' in html(browser.get(page_of(run)))
        comparisons.stop(run)
        answer = browser.get(button("progress", run))
        assert (answer.headers["HX-Refresh"], answer.content) == ("true", b"")
        assert "every 2s" not in html(browser.get(page_of(run)))

    def test_run_is_stopped_and_resumed_by_buttons(self, site, place, browser, django_capture_on_commit_callbacks):
        place(1)
        run = runs.start(origin=runs.Origin.PAGE, is_repair=False)
        assert "остановлена" in html(browser.post(button("stop", run), follow=True))
        assert "уже не идёт" in html(browser.post(button("stop", run), follow=True))
        with django_capture_on_commit_callbacks(execute=True):
            assert "продолжается" in html(browser.post(button("resume", run), follow=True))
        assert "Продолжать нечего" in html(browser.post(button("resume", run), follow=True))
        assert OrmQ.objects.count() == 1

    def test_page_of_failed_run_shows_the_error_and_resume_button(self, site, browser):
        run = runs.start(origin=runs.Origin.PAGE, is_repair=False)
        site.faults.give(faults.status(401))
        work_slice(str(run.pk))
        shown = html(browser.get(page_of(run)))
        assert "BITRIX_API_TOKEN" in shown
        assert "Продолжить" in shown


class TestDifferences:
    def test_difference_shows_agreed_our_and_site_value(self, browser, run_with_difference):
        order = Order.objects.get()
        shown = html(browser.get(page_of(run_with_difference)))
        table = shown[shown.index("crm-differences") :]
        ours = f"{order.total_amount:,.0f} ₸".replace(",", " ")
        assert table.count(ours) == 2  # once as the agreed value, once as the value in the CRM
        assert "12 345 ₸" in table
        assert "Сумма" in table
        assert reverse("admin:orders_order_change", args=[order.pk]) in table

    @pytest.mark.parametrize(("side", "sums"), [("site", 12345), ("ours", None)])
    def test_button_takes_a_side_and_closes_the_difference(self, browser, run_with_difference, side, sums):
        before = Order.objects.get().total_amount
        difference = Difference.objects.get()
        answer = browser.post(
            button("decide", difference), {"side": side, "next": page_of(run_with_difference)}, follow=True
        )
        assert answer.redirect_chain[0][0] == page_of(run_with_difference)
        assert Order.objects.get().total_amount == (sums or before)
        shown = html(browser.get(page_of(run_with_difference), {"show": "all"}))
        assert "Данияр" in shown
        assert ("как на сайте" if side == "site" else "как у нас") in shown
        assert "Решать больше нечего" in html(browser.get(page_of(run_with_difference)))
        again = browser.post(button("decide", difference), {"side": side}, follow=True)
        assert answer.status_code == again.status_code == 200
        assert Order.objects.get().events.count() == 2

    def test_difference_stays_open_when_the_site_does_not_answer(self, site, browser, run_with_difference):
        site.faults.give(faults.status(503))
        answer = browser.post(button("decide", Difference.objects.get()), {"side": "site"}, follow=True)
        assert "Ничего не изменено" in html(answer)
        assert Difference.objects.get().outcome == "found"

    @pytest.mark.parametrize("side", ["", "both", None])
    def test_unknown_side_gives_404(self, browser, run_with_difference, side):
        data = {} if side is None else {"side": side}
        assert browser.post(button("decide", Difference.objects.get()), data).status_code == 404

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/x", "javascript:alert(1)"])
    def test_redirect_ignores_a_url_of_another_host(self, browser, run_with_difference, elsewhere):
        answer = browser.post(button("decide", Difference.objects.get()), {"side": "site", "next": elsewhere})
        assert answer.headers["Location"] == f"{page_of(run_with_difference)}#differences"

    def test_differences_that_need_a_person_come_first(self, browser, run_with_difference):
        Difference.objects.create(
            run=run_with_difference, bitrix_order_id=999_999, field="status", outcome="person", ours="new"
        )
        shown = html(browser.get(page_of(run_with_difference)))
        assert shown.index("999999") < shown.index("12 345")

    def test_query_count_does_not_grow_with_differences(self, browser, run_with_difference):
        def make(number):
            order = Order.objects.get()
            rows = [
                Difference(
                    run=run_with_difference,
                    order=order,
                    bitrix_order_id=order.bitrix_order_id,
                    field="status",
                    ours="new",
                )
                for _ in range(number)
            ]
            Difference.objects.bulk_create(rows)

        def queries(**query):
            cache.clear()
            with CaptureQueriesContext(connection) as captured:
                shown = html(browser.get(page_of(run_with_difference), query))
            return len(captured), shown.count("data-label") // 5

        make(3)
        queries()  # the first request of a process fills its caches
        few, shown = queries()
        assert shown == 4
        make(70)
        assert queries() == (few, 50)
        assert queries(page=2) == (few, 24)

    def test_values_of_the_site_are_escaped(self, browser, run_with_difference):
        Difference.objects.update(theirs="<script>alert(1)</script>", why="<b>x</b>")
        shown = html(browser.get(page_of(run_with_difference)))
        assert "<script>alert(1)" not in shown
        assert "<b>x</b>" not in shown


class TestOrderPage:
    def test_order_page_shows_open_differences_with_buttons(self, browser, run_with_difference):
        url = reverse("admin:orders_order_change", args=[Order.objects.get().pk])
        difference = Difference.objects.get()
        shown = html(browser.get(url))
        assert "Расходится с сайтом" in shown
        assert button("decide", difference) in shown
        browser.post(button("decide", difference), {"side": "site", "next": url})
        shown = html(browser.get(url))
        assert "Расходится с сайтом" not in shown
        assert "Сверка с сайтом: взято значение сайта" in shown

    def test_order_page_shows_differences_only_with_the_permission(self, browser_of, run_with_difference):
        url = reverse("admin:orders_order_change", args=[Order.objects.get().pk])
        assert "Расходится с сайтом" not in html(browser_of("view_order").get(url))
        shown = html(browser_of("view_order", "view_reconciliation").get(url))
        assert "Расходится с сайтом" in shown
        assert button("decide", Difference.objects.get()) not in shown


class TestPermissions:
    def posts(self, run, difference):
        yield f"{LIST}start/", {"repair": "1"}
        yield button("stop", run), {}
        yield button("resume", run), {}
        yield button("decide", difference), {"side": "site"}

    def test_users_without_change_permission_cannot_change_anything(self, browser_of, run_with_difference):
        reader, other_user = browser_of("view_reconciliation"), browser_of("view_order")
        before = list(Difference.objects.values()), list(Order.objects.values()), list(Reconciliation.objects.values())
        for url, data in self.posts(run_with_difference, Difference.objects.get()):
            for client in (reader, other_user):
                assert client.post(url, data).status_code == 403, url
            assert Client().post(url, data).status_code == 302, url  # redirected to the login
        after = list(Difference.objects.values()), list(Order.objects.values()), list(Reconciliation.objects.values())
        assert before == after
        shown = html(reader.get(page_of(run_with_difference)))
        assert 'name="side"' not in shown
        assert 'name="repair"' not in html(reader.get(LIST))
        for url in (LIST, page_of(run_with_difference), button("progress", run_with_difference)):
            assert other_user.get(url).status_code == 403, url

    def test_buttons_refuse_get_and_missing_csrf_token(self, manager, browser, run_with_difference):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(manager)
        for url, data in self.posts(run_with_difference, Difference.objects.get()):
            assert browser.get(url, data).status_code == 405, url
            assert strict.post(url, data).status_code == 403, url
        assert Difference.objects.get().outcome == "found"

    def test_user_with_change_permission_may_decide(self, browser_of, run_with_difference):
        client = browser_of("change_reconciliation")
        assert 'name="side"' in html(client.get(page_of(run_with_difference)))
        client.post(button("decide", Difference.objects.get()), {"side": "site"})
        assert Difference.objects.get().outcome == "resolved"

    def test_buttons_of_unknown_rows_give_404(self, browser, run_with_difference, manager):
        for name in ("stop", "resume", "decide"):
            assert browser.post(button(name, unsaved_difference(manager)), {"side": "site"}).status_code == 404


def unsaved_difference(_manager):
    return Difference(bitrix_order_id=1)  # no row has the primary key of this difference


def test_sidebar_counts_differences_that_need_a_person(browser, run_with_difference):
    link = re.compile(rf'href="{LIST}".*?</a>')
    assert ">1<" not in link.search(html(browser.get("/crm/")))[0].replace(" ", "")
    Difference.objects.update(outcome="person")
    cache.clear()
    assert ">1<" in link.search(html(browser.get("/crm/")))[0].replace(" ", "")


class TestProbe:
    def test_probe_is_green_after_a_complete_run(self, run_with_difference):
        assert last_run.run().level == Level.GREEN

    def test_probe_is_yellow_when_a_difference_needs_a_person(self, run_with_difference):
        Difference.objects.update(outcome="person")
        finding = last_run.run()
        assert (finding.level, "1 расхождение ждёт" in finding.figure) == (Level.YELLOW, True)

    def test_probe_is_yellow_when_the_last_run_is_too_old(self, run_with_difference):
        Reconciliation.objects.update(finished_at="2026-01-01T00:00Z")
        assert last_run.run().level == Level.YELLOW

    def test_probe_ignores_a_run_over_a_part_of_the_orders(self, run_with_difference):
        Reconciliation.objects.update(since="2026-01-01T00:00Z")
        assert "не было" in last_run.run().figure

    def test_probe_is_green_without_runs_and_webhooks(self, site):
        assert last_run.run().level == Level.GREEN

    def test_probe_is_yellow_without_runs_after_an_old_webhook(self, site, place):
        place(1)
        connection.cursor().execute("UPDATE bitrix_webhook_events SET created_at = '2026-01-01'")
        assert last_run.run().level == Level.YELLOW

    def test_probe_is_green_without_a_configured_site(self, settings):
        settings.BITRIX_API_URL = settings.BITRIX_REST_URL = ""
        assert last_run.run().level == Level.GREEN
