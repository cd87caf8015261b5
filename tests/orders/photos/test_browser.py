"""Tests of photos in a real browser.

The script shrinks the photos before the upload, and the customer's answer is accepted with the page's referrer policy.
"""

import io
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from django.test import Client
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from cvety_crm.users import User
from orders import services
from orders.models import Order
from tests.browser.conftest import edit, unfold
from tests.e2e.test_newcomer import FLAGS
from tests.needs import CHROMIUM
from tests.orders.admin.conftest import change_url
from tests.orders.photos.pictures import encoded, picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


@pytest.fixture
def session(manager: User) -> str:
    """Return the session cookie of the manager."""
    client = Client()
    client.force_login(manager)
    return client.cookies["sessionid"].value


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """Yield a browser.

    While it runs, the test must not query the database, because Django would open a new connection.
    """
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


def open_order(chromium: Browser, crm: str, order: Order, session: str) -> Page:
    """Open an order's page on the manager's phone, and return the page."""
    context = chromium.new_context(viewport={"width": 360, "height": 800}, is_mobile=True, has_touch=True)
    context.add_cookies([{"name": "sessionid", "value": session, "url": crm}])
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(crm + change_url(order))
    return page


def test_photos_are_uploaded_linked_and_answered_by_customer(
    live_server, order, session, settings, monkeypatch, chromium
):
    settings.PUBLIC_URL = live_server.url
    page = open_order(chromium, live_server.url, order, session)
    edit(page, "requests")
    page.fill("[name=comment]", "ещё не сохранено")
    arrived: list[bytes] = []
    release = Event()
    add_photo = services.add_photo

    def slow_add_photo(**given: Any) -> Any:
        if arrived:
            release.wait(60)
        arrived.append(given["upload"].read())
        given["upload"].seek(0)
        return add_photo(**given)

    monkeypatch.setattr(services, "add_photo", slow_add_photo)
    camera, gallery = page.locator("#crm-photos input[type=file]").all()
    assert camera.get_attribute("capture") == "environment"
    noise = encoded(Image.effect_noise((4000, 3000), 90).convert("RGB"), quality=60)
    small = picture((600, 800))
    files: list[Any] = [
        {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": noise},
        {"name": "план.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"},
        {"name": "IMG_2.jpg", "mimeType": "image/jpeg", "buffer": small},
    ]
    unfold(page, "Фото букета")
    gallery.set_input_files(files)
    panel = page.locator("#crm-photos")
    # The manager enters the reason of a withdrawal while further photos are uploaded.
    expect(panel.locator(".crm-photo-list li")).to_have_count(1, timeout=60_000)
    panel.locator(".crm-photo-withdraw summary").click()
    panel.locator("[name=reason]").fill("не тот букет")
    release.set()
    expect(panel.locator(".crm-photo-list li")).to_have_count(2, timeout=60_000)
    expect(panel.locator("[name=reason]").nth(1)).to_have_value("не тот букет")
    expect(panel.locator("[data-failed]")).to_have_text("план.jpg: Это не фото: добавить можно только снимки JPEG, "
                                                        "PNG и WebP.")  # fmt: skip
    assert [len(content) for content in arrived[1:]] == [len(b"no picture"), len(small)]
    assert (Image.open(io.BytesIO(arrived[0])).size, len(arrived[0]) < len(noise)) == ((2000, 1500), True)
    page.get_by_role("button", name="Убрать").click()

    page.get_by_role("button", name="Ссылка клиенту").click()
    link = panel.locator("input[type=url]").input_value()
    assert page.input_value("[name=comment]") == "ещё не сохранено"  # the text that the manager had entered is not lost
    assert page.evaluate("document.documentElement.scrollWidth") == 360

    customer = chromium.new_context(viewport={"width": 360, "height": 800}).new_page()
    customer.goto(link)
    assert customer.evaluate("document.images[0].complete && document.images[0].naturalWidth > 0")
    customer.get_by_text("Переделать").click()
    customer.get_by_label("Что изменить в букете?").fill("без лент")
    customer.get_by_role("button", name="Отправить флористу").click()
    expect(customer.get_by_role("heading")).to_have_text("Спасибо, мы всё поняли!")
    customer.get_by_text("Изменить ответ").click()
    customer.get_by_role("button", name="Нравится").click()
    expect(customer.get_by_role("heading")).to_have_text("Спасибо!")
    assert customer.evaluate("document.documentElement.scrollWidth") == 360
    page.reload()
    expect(panel.locator(".crm-photo-state")).to_contain_text("нравится")
