"""Tests of the day board on a tablet: the board refreshes itself, and marks outdated data."""

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect, sync_playwright

from orders.models import Order, Status
from tests.e2e.test_newcomer import FLAGS
from tests.needs import CHROMIUM

pytestmark = [pytest.mark.timeout(120), pytest.mark.django_db(transaction=True)]
REFRESH = 10_500
"""The number of milliseconds after which the board has been refreshed."""


@pytest.fixture
def page(live_server, manager, monkeypatch):
    # Playwright runs its own event loop in this thread, and Django refuses queries while a loop runs.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    client = Client()
    client.force_login(manager)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": 1024, "height": 768}, locale="ru-RU")
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
        page = context.new_page()
        page.clock.install()
        page.goto(f"{live_server.url}/crm/board/")
        yield page
        browser.close()
        connections.close_all()  # the connections of the event loop are different from those of the test


def test_board_refreshes_itself_and_shows_when_it_cannot(page):
    fresh, stale = page.locator("[data-board-fresh]"), page.locator("[data-board-stale]")
    expect(page.get_by_text("На сегодня доставок нет")).to_be_visible()
    expect(fresh).to_contain_text("обновлено")
    Order.objects.create(order_number="77", status=Status.objects.get(code="new"), delivery_date=timezone.localdate())
    page.clock.run_for(REFRESH)
    risk = page.get_by_role("link", name="№ 77")
    expect(risk).to_contain_text("нет адреса")
    # A link remains focused after the next refresh.
    risk.focus()
    Order.objects.update(problem="нет пионов")
    page.clock.run_for(REFRESH)
    expect(risk).to_contain_text("нет пионов")
    expect(risk).to_be_focused()

    page.context.set_offline(True)
    page.clock.run_for(REFRESH)
    expect(stale).to_contain_text("Нет связи с")
    expect(fresh).to_be_hidden()
    expect(risk).to_be_visible()

    page.context.set_offline(False)
    page.clock.run_for(REFRESH)
    expect(stale).to_be_hidden()
    expect(fresh).to_contain_text("обновлено")

    page.context.clear_cookies()
    page.clock.run_for(REFRESH)
    expect(stale).to_contain_text("Вы вышли из системы")
    expect(risk).to_be_visible()
