"""Fixtures of the browser tests: a shop with orders, and browsers of a phone, a tablet and a desktop."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from cvety_crm.users import User
from orders.models import Courier, DeliverySlot, Order
from tests.e2e.test_newcomer import FLAGS
from tests.needs import CHROMIUM
from tests.samples import order_data
from tests.visible_text import english_words

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"phone": (360, 740), "tablet": (768, 1024), "desktop": (1280, 800)}
TALL = 2400
"""The height of a window in which no sticky bar covers a part of the page."""
TIMEOUT = 60_000  # milliseconds, which is enough on a busy machine
LIST = "/crm/orders/order/"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Yield one browser for all tests of a module.

    Playwright's event loop must not run in other modules.
    """
    # Django refuses queries while an event loop runs in the thread, as Playwright's loop does. The code of the tests is
    # not asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        expect.set_options(timeout=TIMEOUT)
        yield running
        running.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(params=list(SIZES))
def size(request: pytest.FixtureRequest) -> str:
    """Return the size of the screen. Each test runs on a phone, a tablet and a desktop."""
    return str(request.param)


@dataclass
class Screen:
    """A browser window of a given size in which a user is logged in."""

    context: BrowserContext
    page: Page
    url: str
    size: str

    @property
    def is_touchscreen(self) -> bool:
        """Return whether the screen is a touchscreen, which is used without a mouse."""
        return self.size != "desktop"

    def open(self, path: str = LIST) -> Page:
        """Open a page of the CRM and return it."""
        self.page.goto(self.url + path)
        return self.page

    def row(self, number: int | str) -> Any:
        """Return the row of an order in the list. On a phone it is a card."""
        return self.page.locator("#result_list tr[data-row]", has_text=f"№\xa0{number}")

    def shows(self, number: int, words: str | re.Pattern[str], timeout: float = TIMEOUT) -> None:
        """Check that the row of an order shows these words. Words that a small screen hides do not count."""
        expect(self.row(number).get_by_text(words).locator("visible=true").first).to_be_visible(timeout=timeout)

    def open_order(self, number: int) -> Page:
        """Open the page of an order by its link in the list, and return the page."""
        self.row(number).get_by_role("link", name=re.compile(rf"^№\s{number}\b")).click()
        expect(self.page.get_by_role("region", name="Заказ", exact=True)).to_contain_text(f"№\xa0{number}")
        return self.page

    def clipboard(self) -> str:
        """Return the text in the clipboard."""
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def check(self, path: str | None = None) -> None:
        """Check that the page does not scroll sideways, has no serious accessibility problem, and is Russian."""
        if path is not None:
            self.open(path)
        assert overflow_width(self.page) <= 0, "the page scrolls sideways"
        self.check_accessibility()
        assert not english(self.page)

    def check_accessibility(self) -> None:
        """Check that the page has no serious accessibility problem, at any scroll position."""
        width, height = SIZES[self.size]
        # A control that a sticky bar covers in part would count as too small.
        self.page.set_viewport_size({"width": width, "height": TALL})
        assert not serious_violations(self.page)
        self.page.set_viewport_size({"width": width, "height": height})


@pytest.fixture
def screen_of(chromium: Browser, live_server: Any, size: str) -> Iterator[Callable[[User], Screen]]:
    """Return a function that opens a browser window of the test's size and logs in a user.

    The test fails if the policy of a page has blocked a part of the page.
    """
    opened: list[BrowserContext] = []
    blocked: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            blocked.append(message.text)

    def open_screen(user: User) -> Screen:
        client = Client()
        client.force_login(user)
        width, height = SIZES[size]
        is_phone = size != "desktop"
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            locale="ru-RU",
            timezone_id="Asia/Almaty",
            has_touch=is_phone,
            is_mobile=is_phone,
            permissions=["clipboard-read", "clipboard-write"],
        )
        opened.append(context)
        context.on("console", note)
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
        context.set_default_timeout(TIMEOUT)
        return Screen(context, context.new_page(), live_server.url, size)

    yield open_screen
    for context in opened:
        context.close()
    assert not blocked


@pytest.fixture
def screen(screen_of: Callable[[User], Screen], manager: User) -> Screen:
    """Return a browser window in which a superuser is logged in."""
    cache.clear()
    return screen_of(manager)


@dataclass
class Shop:
    """The shop's site, which sends orders to the CRM."""

    post_webhook: Callable[..., Any]

    def order(self, number: int, *, hours: float | None = 3, **changes: Any) -> Order:
        """Create an order through the site's webhook, for delivery in this number of hours.

        With None the order has no delivery date.
        """
        properties = changes.pop("properties", {})
        if hours is not None:
            properties = {**due_in(hours), **properties}
        basket = [{"ID": str(number * 10), "PRODUCT_ID": "696613", "NAME": "Букет Стандарт", "PRICE": "7500",
                   "QUANTITY": "1", "CURRENCY": "KZT"}]  # fmt: skip
        data = order_data(ID=str(number), ACCOUNT_NUMBER=str(number), **{"basket": basket, **changes})
        data["properties"] |= properties
        assert self.post_webhook("order.create", data).status_code == 200
        return Order.objects.get(bitrix_order_id=number)


def unfold(page: Page, title: str) -> Any:
    """Unfold a section of the order's page by its title, if it is folded, and return the section."""
    # Until the scripts have run, sections are folded also on wide screens.
    page.wait_for_load_state("domcontentloaded")
    section = page.get_by_role("region", name=title, exact=True)
    fold = section.locator("> details")
    if fold.get_attribute("open") is None:
        fold.locator("> summary").click()
    return section


def edit(page: Page, block: str) -> None:
    """Open the inputs of a block of the order's page, such as `delivery`."""
    page.locator(f"#block-{block} .crm-edit > summary").click()


def due_in(hours: float) -> dict[str, str]:
    """Return the site's properties of a delivery in this number of hours from now, but not later than today.

    At any time of the day, a larger number of hours gives a later time. If the delivery would be tomorrow, it gets a
    time in the minutes before 23:00.
    """
    now = timezone.localtime()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    hour = (now + timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)
    start = min(max(hour, today), today + timedelta(hours=22, minutes=max(hours, 0)))
    return {"data": today.date().isoformat(), "when": f"{start:%H:%M}-{start + timedelta(hours=1):%H:%M}"}


@pytest.fixture
def shop(post_webhook: Callable[..., Any]) -> Shop:
    """Return the shop's site."""
    return Shop(post_webhook)


@pytest.fixture
def courier(transactional_db: None) -> Courier:
    """Return a courier with a phone and a Telegram name."""
    return Courier.objects.create(name="Ерлан Сапаров", phone="+77010000001", telegram="erlan_kz")


@pytest.fixture
def slots(transactional_db: None) -> list[DeliverySlot]:
    """Return hourly delivery slots for the whole day."""
    return [
        DeliverySlot.objects.create(
            bitrix_id=f"{hour:02}:00-{hour + 1:02}:00",
            name=f"{hour:02}:00–{hour + 1:02}:00",
            starts_at=f"{hour:02}:00",
            ends_at=f"{hour + 1:02}:00",
        )
        for hour in range(8, 23)
    ]


def overflow_width(page: Page) -> int:
    """Return the number of pixels by which the page is wider than the screen.

    A chart follows a new size of the window in the frame after the next one.
    """
    return int(
        page.evaluate(
            """async () => { for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
                 const root = document.documentElement; return root.scrollWidth - root.clientWidth; }"""
        )
    )


def serious_violations(page: Page, only: list[str] | None = None, without: str = "") -> list[str]:
    """Return the serious and critical violations that axe-core finds, with their first elements.

    The rules are those of WCAG 2.2, levels A and AA, except `without`, or those in `only`.
    """
    if not AXE.exists():
        pytest.skip("axe-core is not installed: needs npm")
    # The source has half a megabyte, so it is loaded once for each page.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate(
        """async ([only, without]) => (await axe.run(document, {
             runOnly: only, resultTypes: ["violations"], rules: without ? { [without]: { enabled: false } } : {},
           })).violations""",
        [only or ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], without],
    )
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def english(page: Page, also_known: frozenset[str] = frozenset()) -> set[str]:
    """Return the visible words in Latin letters, without the names of products and of keys."""
    text = page.evaluate(
        """() => { const icons = document.querySelectorAll('.material-symbols-outlined, kbd, code, pre');
             icons.forEach(one => { one.dataset.was = one.textContent; one.textContent = ''; });
             const text = document.body.innerText;
             icons.forEach(one => { one.textContent = one.dataset.was; });
             return text; }"""
    )
    return english_words(text, also_known)
