"""Tests of undoing a status, with the real worker, and with the complete system in a real browser."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bitrix_bridge.models import Push
from cvety_crm.dev import embedded_postgres
from orders import services
from tests.e2e.running_crm import environment_of
from tests.e2e.test_newcomer import FLAGS
from tests.needs import CHROMIUM

pytestmark = [pytest.mark.timeout(240)]

HOLD = 6.0
"""The hold period, in seconds, of the test with the worker. It is long enough to check that nothing is sent."""


def wait_until(condition: Callable[[], Any], seconds: float) -> float:
    """Wait until the condition is true, and return the number of seconds until then."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "the condition did not become true"
        time.sleep(0.05)
    return time.monotonic() - started


@pytest.fixture
def worker(site) -> Iterator[subprocess.Popen]:
    """Run `manage.py qcluster` with the database of the test.

    There are no schedules, so entries are delivered only by their own tasks.
    """
    Schedule.objects.all().delete()
    OrmQ.objects.all().delete()
    url = str(os.environ.get("DATABASE_URL") or embedded_postgres.database_url()).rsplit("/", 1)[0]
    environment = environment_of(
        f"{url}/{connection.settings_dict['NAME']}",
        SITE=site.bridge_url,
        DJANGO_SETTINGS_MODULE="tests.e2e.worker_settings",
    )
    process = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"], env=environment, cwd=django_settings.BASE_DIR, start_new_session=True
    )
    yield process
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.django_db(transaction=True)
def test_worker_sends_a_status_after_the_hold_period_and_not_before(arrived, site, worker, manager, settings):
    undone, kept, at_once = arrived(), arrived(), arrived()
    OrmQ.objects.all().delete()

    def there(order):
        return site.site.order(order.bitrix_order_id)["STATUS_ID"]

    # When the status without a hold period is on the site, the worker is running.
    settings.STATUS_HOLD_SECONDS = 0
    services.change_status(order_id=at_once.pk, status="accepted", actor=manager)
    wait_until(lambda: there(at_once) == "AP", 60)

    settings.STATUS_HOLD_SECONDS = HOLD
    for order in (undone, kept):
        services.change_status(order_id=order.pk, status="accepted", actor=manager)
    event = undone.events.get(kind="status")
    services.undo_status(order_id=undone.pk, event_id=event.pk, actor=manager)
    kept.refresh_from_db()
    while timezone.now() < kept.status_held_until:
        assert there(kept) == "N"
        time.sleep(0.1)
    wait_until(lambda: there(kept) == "AP", 60)
    late = (timezone.now() - kept.status_held_until).total_seconds()
    assert late < 30, late
    wait_until(lambda: Push.objects.get(order=kept).state == "delivered", 60)
    assert Push.objects.get(order=kept).attempts == 1
    wait_until(lambda: not OrmQ.objects.exists(), 60)  # the task of the undone status has also run
    assert (there(undone), site.site.writes) == ("N", 2)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        expect.set_options(timeout=60_000)
        yield running
        running.close()


def open_page(browser: Browser, crm: str, password: str, width: int) -> Page:
    """Log in with a browser of this width, and return the page. A width below 600 is a phone."""
    is_phone = width < 600
    context = browser.new_context(
        viewport={"width": width, "height": 800}, locale="ru-RU", has_touch=is_phone, is_mobile=is_phone
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(crm)
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    return page


def accept_a_new_order(page: Page, crm: str) -> str:
    """Accept a new order on its page, and return the number of the order."""
    new = page.locator("tr", has_text="Новый")
    wait_until(lambda: page.goto(f"{crm}orders/order/?preset=new") and new.count(), 60)
    link = new.first.get_by_role("link", name=re.compile("^№"))
    number = re.search(r"\d+", link.inner_text())[0]
    link.click()
    page.get_by_role("region", name="Заказ", exact=True).get_by_role("button", name="Принять").click()
    expect(page.locator(".crm-head .crm-badge").first).to_contain_text("Принят")
    return number


def accept_two_of(page: Page, address: str) -> None:
    """Accept two new orders in the list with one action."""
    rows = page.locator("#result_list tr", has_text="Новый").locator("input.action-select")
    wait_until(lambda: page.goto(address) and rows.count() >= 2, 60)
    for position in range(2):
        rows.nth(position).check()
    page.locator("select[name=action]").select_option("accept_selected")
    page.get_by_role("button", name="Выполнить").click()


@pytest.mark.timeout(400)
def test_manager_can_undo_statuses_on_phone_and_desktop(checkout, browser):
    with (checkout.folder / ".env").open("a") as env:
        env.write("\nSTATUS_HOLD_SECONDS=25\n")  # enough seconds on a machine that also runs other tests
    checkout.disable_sandbox_orders()  # the changes of these orders would also appear in the output
    checkout.start()
    crm = f"http://localhost:{checkout.port}/crm/"
    password = checkout.wait_for(r"admin, password (\S+)")[1]
    site = checkout.wait_for(r"Sandbox +(http://localhost:\d+)/")[1]
    checkout.place_orders(4, site)
    page = open_page(browser, crm, password, 360)
    # The user undoes the status with the keyboard on the order's page.
    accept_a_new_order(page, crm)
    button = page.get_by_role("button", name="Отменить «Принят»")
    expect(button).to_contain_text(re.compile(r"\(\d+ с\)"))
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert button.bounding_box()["height"] >= 48
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#crm-messages")).to_contain_text("снова «Новый»")
    expect(page.locator(".crm-head .crm-badge").first).to_contain_text("Новый")
    expect(page.locator(".crm-undo-button")).to_have_count(0)
    # The user undoes the status of two orders with the button in the message on the list.
    address = f"{crm}orders/order/?status__code__exact=new"
    accept_two_of(page, address)
    expect(page.locator("#crm-messages")).to_contain_text("Изменено: 2")
    page.locator("#crm-messages").get_by_role("button", name="Отменить").click()
    expect(page.locator("#crm-messages")).to_contain_text("Отменено 2 статуса")
    assert page.url == address
    page.context.close()
    # The hold period of a different order ends while the page of this order is open, and the site receives the status.
    page = open_page(browser, crm, password, 1280)
    accepted = accept_a_new_order(page, crm)
    expect(page.locator(".crm-undo-button").first).to_be_visible()
    # On the same page, the manager adds a note. Text that was entered in other fields is not lost. The manager then
    # changes the order in a different window.
    page.locator("#block-requests .crm-edit > summary").click()
    page.locator("[name=courier_comment]").fill("Домофон 12")
    page.locator("#crm-note-text").fill("Позвонить вечером")
    page.get_by_role("button", name="Добавить заметку").click()
    expect(page.locator(".crm-notes")).to_contain_text("Позвонить вечером")
    expect(page.locator("#crm-note-text")).to_have_value("")
    expect(page.locator("[name=courier_comment]")).to_have_value("Домофон 12")
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_text("Проблема…").click()
    other.get_by_role("button", name="Нет цветка").click()
    expect(other.get_by_role("alert")).to_contain_text("Нет цветка")
    other.close()
    expect(page.locator("#crm-presence")).to_contain_text("Вы изменили заказ в другом окне", timeout=60_000)
    expect(page.locator(".crm-undo-button").first).to_be_hidden(timeout=60_000)
    wait_until(lambda: requests.get(f"{site}/orders/{accepted}", timeout=10).json()["STATUS_ID"] != "N", 60)
    sent = re.findall(r"'order\.status' (\d+)", checkout.output())
    assert sent == [accepted], "an undone status was sent"
    assert checkout.stop(signal.SIGINT) < 20
