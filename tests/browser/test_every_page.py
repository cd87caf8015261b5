"""Test that every page is accessible, does not scroll sideways and is Russian, in two widths and both themes."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from cvety_crm.users import User
from orders import services
from orders.models import Courier, Order
from orders.photos.links import photo_token
from orders.reports.definitions import PAGES
from tests.admin_pages import NAMELESS, TYPED, addresses_of, make_samples, registered
from tests.browser.conftest import LIST, TALL, Screen, english, overflow_width, serious_violations

pytestmark = [pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]


def pages(client: Client) -> Iterator[str]:
    """Yield the URLs of all pages, of one forbidden page, and of one page that does not exist."""
    for model in registered():
        found = model._default_manager.first()
        assert found is not None, model
        yield from (path for path in addresses_of(model, found) if _is_page(client, path))
    today = Order.objects.values_list("delivery_date", flat=True).first()
    for name in ("admin:index", "day_board", "system_status", "admin:password_change", "admin:password_change_done"):
        yield reverse(name)
    yield f"{reverse('admin:orders_courier_route', args=[Courier.objects.first().pk])}?date={today}"
    yield f"{reverse('day_board')}?date={today}"
    yield f"{reverse('dispatch')}?date={today}"
    yield f"{reverse('dispatch_brief', args=[Courier.objects.first().pk])}?date={today}"
    yield from (reverse("report", args=[key]) for key, *_ in PAGES)
    yield f"{reverse('report', args=['delivery'])}?by=load"
    yield reverse("exchange_report")
    for name in ("account", "sign_in_rules", "second_factor_set_up", "second_factor_off", "recovery_codes"):
        yield reverse(name)
    yield reverse("admin:cvety_crm_user_sign_in", args=[User.objects.create_user("айгуль", is_staff=True).pk])
    yield reverse("calls_reminders", args=[Order.objects.filter(customer__isnull=False).first().pk])
    yield f"{LIST}?preset=all"
    yield f"{LIST}?q=нет такого"
    yield f"{LIST}columns/?preset=all"
    yield f"{LIST}views/?preset=all"
    yield f"{LIST}views/save/?preset=all"
    yield "/crm/orders/orderevent/add/"
    yield "/crm/no/such/page/"


def _is_page(client: Client, path: str) -> bool:
    # A fragment that a page loads is not a page.
    answer = client.get(path)
    return answer.status_code == 200 and not answer.streaming and b"<html" in answer.content


# The widths of a desktop and of a phone, both without touch, so the touch targets are not enlarged.
WIDTHS = (1280, 360)


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_every_page_is_accessible_russian_fits_the_width_and_has_contrast_in_both_themes(
    screen, post_webhook, manager, courier, client
):
    make_samples(post_webhook, manager)
    client.force_login(manager)
    # A phone that can't be read is marked, also on the yellow note.
    Order.objects.update(courier=courier, problem="нет пионов", recipient_phone="8 774 416 03 35")
    found = {path: problems(screen.open(path)) for path in pages(client)}
    found |= {name: problems(screen.page) for name in dialogs(screen)}
    approval = services.make_photo_link(order_id=Order.objects.get().pk, actor=manager)
    screen.context.clear_cookies()
    public = ("/crm/login/", "/", reverse("approval", args=[photo_token(approval)]), "/no/such/page/")
    found |= {path: problems(screen.open(path)) for path in public}
    reports = [f"{where}\n    " + "\n    ".join(wrong) for where, wrong in found.items() if wrong]
    assert not reports, "\n".join(reports)


def dialogs(screen: Screen) -> Iterator[str]:
    """Open the pages of actions and the dialogs, which have no URL for GET, and yield a name for each."""
    page = screen.page
    for action in ("Сменить статус…", "Назначить флориста…", "Назначить курьера…", "Печать…", "Текст курьеру…"):
        screen.open(f"{LIST}?preset=all")
        page.locator("input.action-select").first.check()
        page.locator("select[name=action]").select_option(label=action)
        page.locator(".crm-bulk button[type=submit]").first.click()
        page.locator("#result_list").wait_for(state="detached")
        page.wait_for_load_state()
        yield action
    Order.objects.update(problem="")
    screen.open(f"{LIST}{Order.objects.get().pk}/change/")
    page.get_by_text("Проблема…").click()
    page.locator("summary", has_text="Печать").click()
    yield "Проблема и печать"
    page.get_by_role("button", name="Другой статус…").click()
    page.locator("#dialog").wait_for()
    yield "Другой статус…"
    screen.open("/crm/")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Клавиши").wait_for()
    yield "Клавиши"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially(Order.objects.get().order_number)
    page.locator("#command-results-list a").first.wait_for()
    yield "Поиск по всему"


def problems(page: Page) -> list[str]:
    """Return the accessibility violations and the sideways scrolling of the page, in each width of `WIDTHS`.

    Contrast, which takes most of the time, is measured in one width, because both have the same colors. The page is
    left in the light theme.
    """
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": TALL})
        without = "" if width == WIDTHS[0] else "color-contrast"
        found += [f"{width}: {one}" for one in serious_violations(page, without=without)]
        if (over := overflow_width(page)) > 0:
            found.append(f"{width}: scrolls sideways by {over}")
    page.set_viewport_size({"width": WIDTHS[0], "height": TALL})
    if words := english(page, TYPED | NAMELESS if "/ormq/" in page.url else TYPED):
        found.append(f"English: {sorted(words)}")
    return found + [f"in the dark: {one}" for one in in_the_dark(page)]


# The icons of calendars and of some other widgets are pseudo-elements, also in parts of the page that are folded.
UNKNOWN_PSEUDO_ELEMENTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.font = "20px 'Material Symbols Outlined'";
  return Array.from(document.querySelectorAll("body *"))
    .flatMap((one) => ["::before", "::after"].map((part) => getComputedStyle(one, part)))
    .filter((style) => style.fontFamily.includes("Material Symbols"))
    .map((style) => /^"([a-z0-9_]{2,40})"$/.exec(style.content)?.[1])
    .filter((word) => word && canvas.measureText(word).width > 24);
}"""


# A page whose content security policy forbids style elements allows constructed style sheets.
IN_THE_DARK = """() => {
  const still = new CSSStyleSheet();
  still.replaceSync("* { transition: none !important; }");
  document.adoptedStyleSheets = [still];
  document.documentElement.classList.add("dark");
}"""


def in_the_dark(page: Page) -> list[str]:
    """Return the texts without enough contrast in the dark theme, and the icons that the font of the pages lacks."""
    page.evaluate(IN_THE_DARK)
    # An icon is one square glyph. A name that the font does not know is shown as a long word.
    unknown = page.evaluate(
        """async () => { await document.fonts.ready;
             return Array.from(document.querySelectorAll(".material-symbols-outlined"))
               .filter((one) => getComputedStyle(one).rotate === "none") // without the arrow of an open group
               .filter((one) => { const range = document.createRange(); range.selectNodeContents(one);
                 return range.getBoundingClientRect().width > 1.2 * parseFloat(getComputedStyle(one).fontSize); })
               .map((one) => one.textContent.trim()); }"""
    )
    unknown += page.evaluate(UNKNOWN_PSEUDO_ELEMENTS)
    found = [*serious_violations(page, only=["color-contrast"]), *(f"no icon: {word}" for word in unknown)]
    page.evaluate("document.documentElement.classList.remove('dark')")
    return found
