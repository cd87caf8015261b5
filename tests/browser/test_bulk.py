"""Tests of a bulk action on the orders of all pages of the list: selection, progress, results and undo."""

import time
from itertools import count

import pytest
from django.contrib import admin
from playwright.sync_api import expect

from orders.admin.actions import bulk
from orders.models import BulkRun, Order
from orders.services.bulk import slices
from tests.browser.conftest import LIST

pytestmark = [pytest.mark.django_db(transaction=True)]
phone_and_desktop = pytest.mark.parametrize("size", ["phone", "desktop"], indirect=True)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch):
    monkeypatch.setattr(admin.site._registry[Order], "list_per_page", 3)
    monkeypatch.setattr(bulk, "AT_ONCE", 3)


def work(run, orders):
    """Let the worker change this number of orders."""
    ticks = count(0, 1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(slices.slice_task, "seconds", orders + 0.5)
        patched.setattr(time, "monotonic", lambda: next(ticks))
        slices.work_slice(str(run.pk))


@phone_and_desktop
def test_all_orders_of_three_pages_are_changed_with_progress_and_undone(screen, shop, monkeypatch):
    for number in range(1001, 1009):
        shop.order(number)
    page = screen.open(f"{LIST}?preset=all")
    page.locator("#result_list .action-select").first.check()
    bar = page.locator(".crm-bulk")
    bar.get_by_role("button", name="Выбрать все 8").click()
    expect(bar).to_contain_text("Выбраны все 8")
    screen.check()
    bar.get_by_role("button", name="Только эта страница").click()
    expect(bar.get_by_role("button", name="Выбрать все 8")).to_be_visible()
    bar.get_by_role("button", name="Выбрать все 8").click()
    expect(bar).to_contain_text("Выбраны все 8")

    bar.get_by_role("button", name="Выполнить").click()
    failed = page.locator(".crm-tap-failed")
    expect(failed).to_contain_text("выберите действие")
    failed.get_by_role("button", name="Закрыть").click()
    expect(bar).to_contain_text("Выбраны все 8")

    shop.order(2001)  # comes after the selection
    bar.get_by_label("Действие").select_option("accept_selected")
    bar.get_by_role("button", name="Выполнить").click()
    progress = page.get_by_role("progressbar")
    expect(progress).to_have_attribute("aria-valuenow", "0")
    screen.check()
    run = BulkRun.objects.get()
    work(run, 4)
    expect(progress).not_to_have_attribute("aria-valuenow", "0")
    work(run, 100)
    expect(progress).to_have_count(0)
    expect(page.locator("#orders li")).to_have_count(8)
    screen.check()
    assert Order.objects.filter(status__code="accepted").count() == 8

    page.get_by_role("button", name="Отменить всё, что можно").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    work(BulkRun.objects.get(is_undo=True), 100)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    assert Order.objects.filter(status__code="new").count() == 9
