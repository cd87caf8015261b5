"""Test that a finger hits every control: each is at least 48 pixels wide and high on a touchscreen."""

import pytest
from django.urls import reverse

from orders import services
from orders.models import Order
from orders.photos.links import photo_token
from tests.admin_pages import make_samples
from tests.browser.conftest import LIST
from tests.browser.test_every_page import pages
from tests.browser.touch_targets import small_targets

pytestmark = [pytest.mark.timeout(400), pytest.mark.django_db(transaction=True)]
FINGER = 48  # pixels
phone = pytest.mark.parametrize("size", ["phone"], indirect=True)


def is_list_of_orders(path: str) -> bool:
    """Return whether the page is the order list, whose rows have their own layout."""
    return path.partition("?")[0] == LIST


@phone
def test_every_control_is_large_enough_for_a_finger(screen, post_webhook, manager, courier, client):
    make_samples(post_webhook, manager)
    client.force_login(manager)
    Order.objects.update(courier=courier)
    approval = services.make_photo_link(order_id=Order.objects.get().pk, actor=manager)
    found = {}
    for path in pages(client):
        if not is_list_of_orders(path):
            found[path] = small_targets(screen.open(path), FINGER)
    screen.context.clear_cookies()
    for path in ("/crm/login/", "/", reverse("approval", args=[photo_token(approval)]), "/no/such/page/"):
        found[path] = small_targets(screen.open(path), FINGER)
    reports = [f"{path}\n    " + "\n    ".join(small) for path, small in found.items() if small]
    assert not reports, "\n".join(reports)


@phone
def test_menu_of_a_phone_is_a_button_that_the_keyboard_opens_and_closes(screen, post_webhook, manager):
    page = screen.open("/crm/")
    button = page.get_by_role("button", name="Меню", exact=True)
    assert min(button.bounding_box()[side] for side in ("width", "height")) >= FINGER
    assert button.get_attribute("aria-expanded") == "false"
    button.focus()
    page.keyboard.press("Enter")
    close = page.get_by_role("button", name="Закрыть меню")
    assert close.is_visible()
    assert button.get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.activeElement.id") == "crm-menu-close"
    assert not [one for one in small_targets(page, FINGER) if "/crm/orders/courier/" in one]
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "crm-menu-open"
    assert not close.is_visible()


@phone
def test_first_key_reaches_a_link_to_the_content_on_every_kind_of_page(screen, post_webhook, manager):
    make_samples(post_webhook, manager)
    order = Order.objects.get()
    approval = services.make_photo_link(order_id=order.pk, actor=manager)
    paths = ["/crm/", LIST, f"{LIST}{order.pk}/change/", f"{LIST}add/", "/crm/board/", "/crm/no/such/page/"]
    for path in paths:
        assert_skip_link(screen.open(path))
    screen.context.clear_cookies()
    for path in ("/crm/login/", "/", reverse("approval", args=[photo_token(approval)])):
        assert_skip_link(screen.open(path))


def assert_skip_link(page):
    """Check that a page has one main landmark, and that its first link leads there."""
    assert page.locator("main").count() == 1, page.url
    first = page.locator("body a, body button").first
    assert first.inner_text() == "Перейти к содержимому", page.url
    first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN", page.url
