"""Test the dispatcher's page with a finger and a mouse: drag, select, sort, failed drops, updates, accessibility."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from orders import services
from orders.models import Courier, Order
from tests.browser.conftest import SIZES, english, overflow_width, serious_violations
from tests.browser.touch_targets import small_targets

pytestmark = [pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
tablet = pytest.mark.parametrize("size", ["tablet"], indirect=True)
any_pointer = pytest.mark.parametrize("size", ["tablet", "desktop"], indirect=True)
UPDATE = 10_000  # milliseconds after which the changes of others are shown


@pytest.fixture
def marat(courier: Courier) -> Courier:
    """Return a second courier."""
    return Courier.objects.create(name="Марат Ахметов", phone="+77017770011")


@pytest.fixture
def orders(shop, slots) -> list[Order]:
    """Return four orders of today without a courier, with addresses in two districts."""
    places = ("мкр Орбита-3, д. 5", "мкр Орбита-3, д. 61", "ул. Абая 150, кв 25", "")
    return [
        shop.order(122400 + index, hours=index + 1, properties={"addressRecipient": place})
        for index, place in enumerate(places)
    ]


def card(page: Page, order: Order) -> Locator:
    """Return the card of an order."""
    return page.locator("[data-d-list] > li", has_text=f"№\xa0{order.order_number}")


def route(page: Page, courier: Courier) -> Locator:
    """Return the list of a courier's stops."""
    return page.get_by_role("region", name=courier.name, exact=False).locator("ol")


def shows_stops(page: Page, courier: Courier, orders: list[Order]) -> None:
    """Wait until a drop has been saved, and check the stops of a courier and their sequence."""
    expect(page.locator("#crm-dispatch-page[aria-busy]")).to_have_count(0)
    expect(route(page, courier).locator("li a")).to_have_text([f"№\xa0{one.order_number}" for one in orders])


def drag(screen, source: Locator, target: Locator, *, at: float = 0.5, is_dropped: bool = True) -> None:
    """Drag an element to another one, with a finger on a touchscreen and with the mouse otherwise.

    `at` is the part of the target's height.
    """
    source.scroll_into_view_if_needed()
    start, end = source.bounding_box(), target.bounding_box()
    # A finger takes the card by the side with the tick.
    x = start["x"] + (24 if screen.is_touchscreen else start["width"] * 0.6)
    y = start["y"] + start["height"] - 8
    to_x, to_y = end["x"] + end["width"] * 0.6, end["y"] + end["height"] * at
    steps = [(x + (to_x - x) * part / 10, y + (to_y - y) * part / 10) for part in range(1, 11)]
    if not screen.is_touchscreen:
        mouse = screen.page.mouse
        mouse.move(x, y)
        mouse.down()
        for point in [*steps, steps[-1], steps[-1]]:
            mouse.move(*point)
            screen.page.wait_for_timeout(60)
        if is_dropped:
            mouse.up()
        return
    session = screen.context.new_cdp_session(screen.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": one, "y": two} for one, two in points]}
        )

    touch("touchStart", (x, y))
    for point in [*steps, steps[-1], steps[-1]]:
        touch("touchMove", point)
        screen.page.wait_for_timeout(60)
    if is_dropped:
        touch("touchEnd")


@pytest.fixture
def page(screen, orders, courier, marat) -> Page:
    """Return the open page of the dispatcher."""
    return screen.open(reverse("dispatch"))


@any_pointer
def test_order_is_dragged_to_a_courier_to_another_and_back(screen, page, orders, courier, marat):
    order = orders[0]
    drag(screen, card(page, order), route(page, courier))
    shows_stops(page, courier, [order])
    expect(page.locator("#crm-messages")).to_contain_text(f"Ерлан Сапаров: № {order.order_number}")
    assert Order.objects.get(pk=order.pk).courier == courier
    drag(screen, card(page, order), route(page, marat))
    shows_stops(page, marat, [order])
    drag(screen, card(page, order), card(page, orders[2]))
    expect(page.get_by_role("heading", name="Без курьера: 4")).to_be_visible()
    shows_stops(page, marat, [])
    assert Order.objects.get(pk=order.pk).courier is None
    page.get_by_role("button", name="Отменить").click()
    shows_stops(page, marat, [order])


@any_pointer
def test_several_orders_are_selected_and_given_with_one_tap(screen, page, orders, courier):
    give = page.get_by_role("button", name=re.compile("Назначить выбранные.*Ерлан"))
    expect(give).to_be_hidden()
    for order in orders[:3]:
        page.get_by_label(f"№ {order.order_number}", exact=True).check()
    expect(page.get_by_role("group", name="Что сделать с выбранными")).to_contain_text("Выбрано: 3")
    give.click()
    shows_stops(page, courier, orders[:3])
    expect(give).to_be_hidden()
    assert Order.objects.filter(courier=courier).count() == 3


@tablet
def test_dragged_selected_order_takes_the_others_with_it(screen, page, orders, courier):
    for order in orders[:2]:
        page.get_by_label(f"№ {order.order_number}", exact=True).check()
    drag(screen, card(page, orders[0]), route(page, courier))
    shows_stops(page, courier, orders[:2])


@any_pointer
def test_stops_are_sorted_by_dragging(screen, page, orders, courier):
    services.assign_orders(seen=dict.fromkeys((one.pk for one in orders), None), courier=courier, actor=None)
    page.reload()
    shows_stops(page, courier, orders)
    drag(screen, card(page, orders[2]), card(page, orders[0]), at=0.2)
    wanted = [orders[2], orders[0], orders[1], orders[3]]
    expect(page.get_by_role("button", name="По времени")).to_be_visible()
    shows_stops(page, courier, wanted)
    page.reload()
    shows_stops(page, courier, wanted)
    page.get_by_role("button", name="По времени").click()
    shows_stops(page, courier, orders)


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_everything_works_with_the_keyboard(screen, page, orders, courier):
    for order in orders[:2]:
        page.get_by_label(f"№ {order.order_number}", exact=True).focus()
        page.keyboard.press("Space")
        page.keyboard.press("Enter")  # does not press any button
    page.get_by_label("Курьер", exact=True).select_option(label="Ерлан Сапаров")
    page.get_by_role("button", name="Назначить", exact=True).focus()
    page.keyboard.press("Enter")
    shows_stops(page, courier, orders[:2])
    page.get_by_label(f"№ {orders[1].order_number}", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Раньше в маршруте").focus()
    page.keyboard.press("Enter")
    shows_stops(page, courier, [orders[1], orders[0]])
    page.get_by_role("button", name="Позже в маршруте").focus()
    page.keyboard.press("Enter")
    shows_stops(page, courier, orders[:2])
    page.keyboard.press("Escape")
    expect(page.get_by_label(f"№ {orders[1].order_number}", exact=True)).not_to_be_checked()


@any_pointer
def test_failed_drop_returns_the_card_and_says_why(screen, page, orders, courier):
    order = orders[0]
    screen.context.set_offline(True)
    drag(screen, card(page, order), route(page, courier))
    expect(page.locator(".crm-tap-failed")).to_contain_text("Нет связи")
    shows_stops(page, courier, [])
    expect(card(page, order)).to_have_count(1)
    screen.context.set_offline(False)
    drag(screen, card(page, order), route(page, courier))
    shows_stops(page, courier, [order])


@tablet
def test_drop_of_an_order_given_to_another_courier_shows_who_has_it(screen, page, orders, courier, marat, manager):
    order = orders[0]
    page.evaluate("document.getElementById('crm-d-poll').remove()")  # an update would show it before the drop
    services.assign_courier(order_id=order.pk, courier=marat, actor=manager)
    drag(screen, card(page, order), route(page, courier))
    shows_stops(page, marat, [order])
    expect(card(page, order).get_by_role("alert")).to_contain_text("теперь это Марат Ахметов")
    assert Order.objects.get(pk=order.pk).courier == marat


@tablet
def test_changes_of_others_appear_and_keep_the_selection(screen, page, orders, courier, marat, manager):
    for order in orders[:2]:
        page.get_by_label(f"№ {order.order_number}", exact=True).check()
    services.assign_courier(order_id=orders[0].pk, courier=marat, actor=manager)
    expect(route(page, marat).locator("li")).to_have_count(1, timeout=UPDATE)
    expect(page.get_by_label(f"№ {orders[0].order_number}", exact=True)).not_to_be_checked()
    expect(page.get_by_label(f"№ {orders[1].order_number}", exact=True)).to_be_checked()
    expect(page.locator("#crm-dispatch-said")).to_contain_text(f"№ {orders[0].order_number}")


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_update_waits_until_the_drag_ends(screen, page, orders, courier, marat, manager):
    drag(screen, card(page, orders[0]), route(page, courier), is_dropped=False)
    services.assign_courier(order_id=orders[1].pk, courier=marat, actor=manager)
    page.wait_for_timeout(7000)
    assert route(page, marat).locator("li").count() == 0
    page.mouse.up()
    shows_stops(page, courier, [orders[0]])
    expect(route(page, marat).locator("li")).to_have_count(1, timeout=UPDATE)


@tablet
def test_text_of_the_route_is_copied_and_the_courier_marked_as_notified(screen, page, orders, courier):
    services.assign_orders(seen=dict.fromkeys((one.pk for one in orders[:2]), None), courier=courier, actor=None)
    page.reload()
    page.get_by_role("link", name="Текст").tap()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Скопировать").tap()
    expect(dialog.locator(".crm-bubble")).to_be_visible()
    assert screen.clipboard().startswith("🚚 Ерлан Сапаров")
    dialog.get_by_role("button", name="Отметить").tap()
    expect(dialog).to_be_hidden()
    expect(route(page, courier).get_by_text("🔔 предупреждён")).to_have_count(2)
    page.get_by_label(f"№ {orders[0].order_number}", exact=True).check()
    page.get_by_role("button", name="Не предупреждён").tap()
    expect(route(page, courier).get_by_text("🔔 предупреждён")).to_have_count(1)
    card(page, orders[0]).get_by_role("button", name="не предупреждён").tap()
    expect(route(page, courier).get_by_text("🔔 предупреждён")).to_have_count(2)


def test_page_is_accessible_russian_and_fits_each_screen(screen, page, orders, courier):
    services.assign_orders(seen=dict.fromkeys((one.pk for one in orders[1:3]), None), courier=courier, actor=None)
    Order.objects.filter(pk=orders[1].pk).update(problem="нет пионов", courier_notified_at=timezone.now())
    page.reload()
    for order in (orders[0], orders[1]):
        page.get_by_label(f"№ {order.order_number}", exact=True).check()
    assert overflow_width(page) <= 0
    assert not english(page)
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.classList.toggle('dark', theme === 'dark')", theme)
        assert not serious_violations(page), theme
    if screen.is_touchscreen:
        assert not small_targets(page, 48)
    assert SIZES[screen.size][0] == page.evaluate("innerWidth")
