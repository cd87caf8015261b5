"""Test in a real browser of the first steps after `make run`.

A new user logs in, receives orders, accepts one, and checks the order on the site.
"""

import re
import signal
import time
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Page, expect, sync_playwright

from tests.needs import CHROMIUM

pytestmark = [pytest.mark.timeout(240)]

# These flags prevent Chromium from connecting to Google's servers at every start.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="ru-RU")
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def test_new_user_accepts_an_order_and_the_site_receives_the_status(checkout, page):
    checkout.start()
    crm = f"http://localhost:{checkout.port}/crm/"
    password = checkout.wait_for(r"admin, password (\S+)")[1]
    site = checkout.wait_for(r"Sandbox +(http://localhost:\d+)/")[1]

    page.goto(crm)
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")

    # The sandbox sends orders by itself.
    deadline = time.monotonic() + 60
    new = page.locator("tr", has_text="Новый")
    while True:
        page.goto(f"{crm}orders/order/?preset=new")
        if new.count():
            break
        assert time.monotonic() < deadline, checkout.output()
        time.sleep(1)
    link = new.first.get_by_role("link", name=re.compile("^№"))
    number = re.search(r"\d+", link.inner_text())[0]

    link.click()
    page.get_by_role("region", name="Заказ", exact=True).get_by_role("button", name="Принять").click()
    # The badge is checked and not the button with the same name, because the badge changes only when the page is
    # reloaded.
    expect(page.locator(".crm-head .crm-badge").first).to_contain_text("Принят", timeout=60_000)

    # After the hold period, the worker sends the status to the site, and the timeline shows that it was sent.
    expect(page.get_by_role("button", name="Отменить «Принят»")).to_have_count(1)
    timeline = page.locator("section", has=page.get_by_role("heading", name="История"))
    deadline = time.monotonic() + 60
    # Both texts are checked, because the worker may finish between the page's queries for the order and the timeline.
    while "Отправлен на сайт" not in timeline.inner_text() or "на сайте" not in page.locator(".crm-head").inner_text():
        assert time.monotonic() < deadline, timeline.inner_text() + checkout.output()
        time.sleep(1)
        page.reload()
    assert requests.get(f"{site}/orders/{number}", timeout=10).json()["STATUS_ID"] == "AP"
    assert checkout.stop(signal.SIGINT) < 20
    checkout.assert_nothing_left()

    # The output shows the exchange and contains none of the secrets.
    lines = (checkout.folder / ".env").read_text().splitlines()
    secrets = [line.split("=", 1)[1] for line in lines if line.startswith(("SECRET_KEY=", "WEBHOOK", "BITRIX_API"))]
    assert len(secrets) == 3
    assert "success" in checkout.output()
    assert not [secret for secret in secrets if secret in checkout.output()]
