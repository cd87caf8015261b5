"""Every page on a phone and on a desktop: nothing serious for axe, nothing sticks out, nothing is English."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from orders import services
from orders.models import Courier, Order
from orders.photos.links import photo_token
from tests.admin_pages import NAMELESS, TYPED, addresses_of, make_samples, registered
from tests.browser.conftest import LIST, Desk, english, serious_violations, sideways

pytestmark = [pytest.mark.timeout(400), pytest.mark.django_db(transaction=True)]


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


# A window so tall that no bar at its edge covers anything, and as wide as a desktop's and as a phone's by turns. A
# finger would get larger targets than the mouse that it pretends to have.
TALL = 2400
WIDTHS = (1280, 360)


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_every_page(desk, post_webhook, manager, courier, client):
    make_samples(post_webhook, manager)
    client.force_login(manager)
    Order.objects.update(courier=courier, problem="нет пионов")
    found = {path: what_is_wrong(desk.open(path)) for path in pages(client)}
    found |= {name: what_is_wrong(desk.page) for name in questions(desk)}
    approval = services.make_photo_link(order_id=Order.objects.get().pk, actor=manager)
    desk.context.clear_cookies()
    of_strangers = ("/crm/login/", "/", reverse("approval", args=[photo_token(approval)]), "/no/such/page/")
    found |= {path: what_is_wrong(desk.open(path)) for path in of_strangers}
    said = [f"{where}\n    " + "\n    ".join(wrong) for where, wrong in found.items() if wrong]
    assert not said, "\n".join(said)


def questions(desk: Desk) -> Iterator[str]:
    """Open what has no address, or only one for a POST: what actions ask, and dialogs. Yields a name for each."""
    page = desk.page
    for action in ("Сменить статус…", "Назначить флориста…", "Назначить курьера…", "Печать…", "Текст курьеру…"):
        desk.open(f"{LIST}?preset=all")
        page.locator("input.action-select").first.check()
        page.locator("select[name=action]").select_option(label=action)
        page.locator("#changelist-actions-wrapper button[type=submit]").first.click()
        page.locator("#result_list").wait_for(state="detached")
        page.wait_for_load_state()
        yield action
    Order.objects.update(problem="")
    desk.open(f"{LIST}{Order.objects.get().pk}/change/")
    page.get_by_text("Проблема…").click()
    page.locator("summary", has_text="Печать").click()
    yield "Проблема и печать"
    page.get_by_role("button", name="Другой статус…").click()
    page.locator("#dialog").wait_for()
    yield "Другой статус…"
    desk.open("/crm/")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Клавиши").wait_for()
    yield "Клавиши"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially(Order.objects.get().order_number)
    page.locator("#command-results-list a").first.wait_for()
    yield "Поиск по всему"


def what_is_wrong(page: Page) -> list[str]:
    """Return what a picky person finds on the page, on either width."""
    wrong = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": TALL})
        wrong += [f"{width}: {one}" for one in serious_violations(page)]
        if (over := sideways(page)) > 0:
            wrong.append(f"{width}: scrolls sideways by {over}")
    page.set_viewport_size({"width": WIDTHS[0], "height": TALL})
    if words := english(page, TYPED | NAMELESS if "/ormq/" in page.url else TYPED):
        wrong.append(f"English: {sorted(words)}")
    return wrong
