"""Every page on a phone and on a desktop: nothing serious for axe, nothing sticks out, nothing is English."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from orders.models import Courier, Order
from tests.admin_pages import NAMELESS, TYPED, addresses_of, make_samples, registered
from tests.browser.conftest import LIST, english, serious_violations, sideways

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400), pytest.mark.django_db(transaction=True)]


def pages(client: Client) -> Iterator[str]:
    """Yield the addresses of all pages that there are, one of those that are forbidden, and one that does not exist."""
    for model in registered():
        found = model._default_manager.first()
        assert found is not None, model
        yield from (path for path in addresses_of(model, found) if _is_page(client, path))
    today = Order.objects.values_list("delivery_date", flat=True).first()
    for name in ("admin:index", "day_board", "system_status", "admin:password_change", "admin:password_change_done"):
        yield reverse(name)
    yield f"{reverse('admin:orders_courier_route', args=[Courier.objects.first().pk])}?date={today}"
    yield f"{reverse('day_board')}?date={today}"
    yield f"{LIST}?preset=all"
    yield f"{LIST}?q=нет такого"
    yield "/crm/orders/orderevent/add/"
    yield "/crm/no/such/page/"


def _is_page(client: Client, path: str) -> bool:
    answer = client.get(path)  # what only a part of a page asks for is no page
    return answer.status_code == 200 and not answer.streaming and b"<html" in answer.content


@pytest.mark.parametrize("size", ["phone", "desktop"], indirect=True)
def test_every_page(desk, post_webhook, manager, courier, client):
    make_samples(post_webhook, manager)
    client.force_login(manager)
    Order.objects.update(courier=courier, problem="нет пионов")
    found = {path: wrong for path in pages(client) if (wrong := look_at(desk.page, desk.url + path))}
    desk.context.clear_cookies()
    found |= {path: wrong for path in ("/crm/login/", "/") if (wrong := look_at(desk.page, desk.url + path))}
    assert not found, "\n".join(f"{path}\n    " + "\n    ".join(wrong) for path, wrong in found.items())


def look_at(page: Page, url: str) -> list[str]:
    """Return what is wrong with a page."""
    page.goto(url)
    wrong = serious_violations(page)
    if (over := sideways(page)) > 0:
        wrong.append(f"scrolls sideways by {over}")
    if words := english(page, TYPED | NAMELESS if "/ormq/" in url else TYPED):
        wrong.append(f"English: {sorted(words)}")
    return wrong
