"""Test in a browser of a photo of a bouquet: the florist uploads it, and the customer answers."""

from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import SIZES, english, overflow_width, serious_violations, unfold

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def snapshot():
    """Return a JPEG file like one from the camera of a phone."""
    content = BytesIO()
    Image.linear_gradient("L").resize((1600, 1200)).convert("RGB").save(content, "JPEG")
    return {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}


def test_11_customer_sees_the_photo_and_the_answer_is_on_the_order(screen, shop, snapshot, live_server, settings):
    settings.PUBLIC_URL = live_server.url
    order = shop.order(1001)
    page = screen.open()
    screen.open_order(1001)
    photos = unfold(page, "Фото букета")
    photos.get_by_label("Сфотографировать").set_input_files(snapshot)
    expect(photos.get_by_role("status")).to_contain_text("Добавлено 1 фото")
    expect(photos.get_by_role("img", name="Фото 1, открыть крупно")).to_be_visible()
    photos.get_by_role("button", name="Ссылка клиенту").click()
    photos.get_by_role("button", name="Скопировать ссылку").click()
    expect(page.get_by_role("status").filter(has_text="Скопировано")).to_have_count(1)
    screen.check()

    width, height = SIZES[screen.size]
    customer_context = screen.context.browser.new_context(viewport={"width": width, "height": height}, locale="ru-RU")
    customer = customer_context.new_page()
    customer.goto(screen.clipboard())
    expect(customer.get_by_role("heading", name="Ваш букет готов")).to_be_visible()
    assert customer.get_by_role("img", name="Ваш букет").evaluate("image => image.decode().then(() => image.width)")
    assert not serious_violations(customer)
    assert not english(customer)
    assert overflow_width(customer) <= 0
    assert "Мария" not in customer.content()
    assert "Абая" not in customer.content()
    customer.get_by_text("Переделать").click()
    customer.get_by_label("Что изменить в букете?").fill("без жёлтых цветов, пожалуйста")
    customer.get_by_role("button", name="Отправить флористу").click()
    expect(customer.get_by_role("heading", name="Спасибо, мы всё поняли!")).to_be_visible()

    page.reload()
    expect(photos).to_contain_text("переделать")
    expect(photos).to_contain_text("без жёлтых цветов, пожалуйста")
    order.refresh_from_db()
    assert "без жёлтых цветов" in order.problem

    customer.get_by_text("Изменить ответ").click()
    customer.get_by_role("button", name="Нравится").click()
    expect(customer.get_by_role("heading", name="Спасибо!")).to_be_visible()
    customer_context.close()
    page.get_by_role("link", name="К списку").click()
    screen.shows(1001, "нравится")
