"""Tests of the saved views of the order list: what they keep, who may change them, and with which the list opens."""

import html
import re

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cvety_crm.roles import FLORIST, MANAGER, OWNER
from orders import services
from orders.models import City, Courier, RoleView, SavedView, Status
from tests.orders.admin.conftest import LIST, numbers
from tests.roles import browser_of, person

VIEWS = f"{LIST}views/"


@pytest.fixture
def boss(db):
    return person(OWNER, "boss")


@pytest.fixture
def florist(db):
    return person(FLORIST, "florist")


def saved(browser, query="preset=all&stage=new", **sent):
    """Save the list with this query as a view through the page, and return the view."""
    answer = browser.post(f"{VIEWS}save/?{query}", {"name": "Новые", "for": "me"} | sent)
    assert answer.status_code == 302, answer.content.decode()
    return SavedView.objects.get(name=sent.get("name", "Новые"))


def url(view, more=""):
    return f"{LIST}?view={view.pk}&{view.query}{more}"


def chips(page):
    """Return the text of the chip of each view, and the text of the current one."""
    text = html.unescape(page.content.decode())
    bar = re.search(r'<nav class="crm-chips crm-presets crm-views".*?</nav>', text, re.S)
    found = re.findall(
        r'<a class="crm-chip[^"]*" href="[^"]*"\s*(aria-current="page")?>(.*?)</a>', bar[0] if bar else "", re.S
    )
    texts = [(is_current, " ".join(re.sub(r"<[^>]*>", " ", label).split())) for is_current, label in found]
    return [text for _is, text in texts], next((text for is_current, text in texts if is_current), None)


def test_a_view_keeps_the_query_and_the_columns_but_no_page(boss, make_order):
    make_order(1001)
    make_order(1002, STATUS_ID="AP")
    browser = browser_of(boss)
    view = saved(browser, "p=2&q=мария&stage=new&o=-1&columns=when,notes")
    assert (view.owner, view.query) == (boss, "o=-1&q=%D0%BC%D0%B0%D1%80%D0%B8%D1%8F&stage=new")
    assert view.columns == ["when", "notes"]
    page = browser.get(url(view))
    assert numbers(page.content) == ["1001"]
    assert chips(page) == (["Новые"], "Новые")
    assert "Сохранить изменения" not in page.content.decode()
    presets = re.search(r'id="crm-presets".*?</nav>', page.content.decode(), re.S)[0]
    assert "aria-current" not in presets
    assert re.findall(r'<th scope="col" class="c-(\w+)"', page.content.decode()) == ["number", "when", "notes"]


@pytest.mark.parametrize("more", ["&stage=ready", "&q=мария", "&o=1", "&columns=status"])
def test_a_changed_view_says_so_and_can_be_saved_or_reverted(boss, make_order, more):
    make_order(1001)
    browser = browser_of(boss)
    view = saved(browser)
    page = browser.get(url(view, more))
    text = html.unescape(page.content.decode())
    assert chips(page) == (["Новые изменён"], "Новые изменён")
    assert f'href="?view={view.pk}&{view.query}">Вернуть' in text
    action = re.search(r'<form method="post" action="([^"]*/update/[^"]*)"', text)[1]
    assert browser.post(action).headers["Location"].startswith(f"{LIST}?view={view.pk}&")
    view.refresh_from_db()
    assert chips(browser.get(url(view)))[1] == "Новые"
    assert chips(browser.get(url(view, "&p=1")))[1] == "Новые"


def test_search_sorting_filters_and_pages_keep_the_view(boss, make_order):
    make_order(1001)
    browser = browser_of(boss)
    view = saved(browser)
    text = html.unescape(browser.get(url(view)).content.decode())
    kept = f'<input type="hidden" name="view" value="{view.pk}">'
    assert kept in text
    assert kept in browser.get(f"{LIST}filters/?view={view.pk}&{view.query}").content.decode()
    sorting = re.findall(r'<th scope="col"[^>]*>.*?<a href="(\?[^"]*)"', text, re.S)
    assert sorting
    assert all(f"view={view.pk}" in link for link in sorting)


@pytest.mark.parametrize("action", ["accept_selected", "assign_courier_to_selected", "change_status_of_selected"])
def test_a_bulk_action_returns_to_the_same_list(boss, make_order, action):
    order, courier = make_order(1001), Courier.objects.create(name="Ерлан")
    browser = browser_of(boss)
    view = saved(browser)
    place = url(view, "&q=%D0%BC%D0%B0&o=-1&columns=when&delivery_date_from=01.01.2020")
    sent = {"action": action, "_selected_action": [str(order.pk)], "index": "0"}
    answer = browser.post(place, sent)
    if action != "accept_selected":  # the action asks first
        page = html.unescape(answer.content.decode())
        assert f'<form method="post" action="{place}"' in page
        assert f'href="{place}">Отмена' in page
        answer = browser.post(place, sent | {"apply": "1", "assignee": str(courier.pk), "status": "accepted"})
    assert (answer.status_code, answer.headers["Location"]) == (302, place)


def test_a_private_view_is_unknown_to_others(boss, florist, make_order):
    make_order(1001)
    view = saved(browser_of(boss))
    other = browser_of(florist)
    assert other.get(url(view)).status_code == 404
    assert "Новые" not in other.get(VIEWS).content.decode()
    assert chips(other.get(LIST, {"preset": "all"})) == ([], None)
    for path in ("", "update/", "move/", "delete/"):
        assert other.post(f"{VIEWS}{view.pk}/{path}", {"name": "Чужой"}).status_code == 404
    assert SavedView.objects.get().name == "Новые"


def test_views_of_the_shop_are_for_all_and_changed_with_the_permission_only(boss, florist, make_order):
    make_order(1001)
    view = saved(browser_of(boss), **{"for": "shop"})
    other = browser_of(florist)
    page = other.get(url(view, "&o=-1"))
    assert chips(page)[1] == "Новые изменён"
    assert "Сохранить изменения" not in page.content.decode()
    assert "Сохранить как новый…" in page.content.decode()
    for path in ("", "update/", "move/", "delete/"):
        assert other.post(f"{VIEWS}{view.pk}/{path}", {"name": "Чужой"}).status_code == 403
    assert other.post(f"{VIEWS}save/", {"name": "Для всех", "for": "shop"}).status_code == 403
    assert "Весь магазин" not in other.get(f"{VIEWS}save/").content.decode()
    assert SavedView.objects.get().name == "Новые"
    colleague = browser_of(person(MANAGER))
    assert colleague.post(f"{VIEWS}{view.pk}/", {"name": "Новые сегодня"}).status_code == 302
    assert SavedView.objects.get().name == "Новые сегодня"


def test_names_and_numbers_of_views_are_limited(boss):
    browser = browser_of(boss)
    saved(browser)
    for name, text in (("  ", "Назовите вид"), ("НОВЫЕ", "уже есть"), ("я" * 61, "лишние 1")):
        page = browser.post(f"{VIEWS}save/?preset=late", {"name": name, "for": "me"}, headers={"HX-Request": "true"})
        assert text in page.content.decode()
        assert page.headers["HX-Retarget"] == "#crm-dialog"
    assert "их не знает" in browser.post(f"{VIEWS}save/?comment__exact=1", {"name": "Х", "for": "me"}).content.decode()
    long = browser.post(f"{VIEWS}save/?q={'x' * 2001}", {"name": "Х", "for": "me"}).content.decode()
    assert "слишком много фильтров" in long
    assert SavedView.objects.count() == 1
    for number in range(1, services.MOST_VIEWS):
        saved(browser, name=f"Вид {number}")
    assert "Видов уже 20" in browser.post(f"{VIEWS}save/", {"name": "Ещё", "for": "me"}).content.decode()
    assert SavedView.objects.count() == services.MOST_VIEWS
    assert browser.post(f"{VIEWS}save/", {"name": "Новые", "for": "shop"}).status_code == 302


def test_views_are_renamed_moved_and_deleted(boss, make_order):
    make_order(1001)
    browser = browser_of(boss)
    first, second = saved(browser, name="Первый"), saved(browser, name="Второй")
    browser.post(f"{VIEWS}{second.pk}/move/", {"to": "up"})
    assert chips(browser.get(LIST))[0] == ["Второй", "Первый"]
    moved = browser.post(f"{VIEWS}{second.pk}/move/", {"to": "down"}, headers={"HX-Request": "true"}).content.decode()
    assert moved.index("Первый") < moved.index("Второй")
    browser.post(f"{VIEWS}{first.pk}/move/", {"to": "up"})
    browser.post(f"{VIEWS}{first.pk}/", {"name": "Главный"})
    assert chips(browser.get(LIST))[0] == ["Главный", "Второй"]
    assert "уже есть" in browser.post(f"{VIEWS}{first.pk}/", {"name": "второй"}).content.decode()
    answer = browser.post(f"{VIEWS}{first.pk}/delete/?view={first.pk}&stage=new")
    assert answer.headers["Location"] == f"{LIST}?stage=new"
    assert chips(browser.get(LIST))[0] == ["Второй"]


def test_a_list_opens_with_the_view_of_the_role(boss, florist, make_order):
    make_order(1001)
    role = Group.objects.get(name=FLORIST.name)
    view = saved(browser_of(boss), **{"for": "shop", "role": [role.pk]})
    browser = browser_of(florist)
    answer = browser.get(LIST, follow=True)
    assert answer.redirect_chain == [(url(view), 302)]
    assert chips(answer)[1] == "Новые"
    assert browser.get(LIST, {"preset": "today"}).status_code == 200
    assert browser_of(boss).get(LIST).status_code == 200
    another = saved(browser_of(boss), "", name="Другой", **{"for": "shop", "role": [role.pk]})
    assert RoleView.objects.get().view == another
    assert browser.get(LIST, follow=True).redirect_chain == [(f"{LIST}?view={another.pk}&preset=today", 302)]
    florist.groups.add(Group.objects.get(name=OWNER.name))
    browser_of(boss).post(f"{VIEWS}{view.pk}/", {"name": "Новые", "role": [Group.objects.get(name=OWNER.name).pk]})
    assert browser.get(LIST).headers["Location"] == url(view)  # the first role by name


def test_a_private_view_is_never_that_of_a_role(boss):
    role = Group.objects.get(name=FLORIST.name)
    saved(browser_of(boss), **{"for": "me", "role": [role.pk]})
    assert not RoleView.objects.exists()


def test_a_view_with_a_deleted_status_says_so(boss, make_order):
    make_order(1001)
    Status.objects.create(code="gone", name="Старый", stage="new")
    browser = browser_of(boss)
    view = saved(browser, "status__code__exact=gone")
    assert "больше нет" not in browser.get(url(view)).content.decode()
    Status.objects.filter(code="gone").delete()
    page = browser.get(url(view))
    assert page.status_code == 200
    assert "Выбранного значения больше нет: Статус" in page.content.decode()


@pytest.mark.parametrize("query", ["old_filter__exact=1", "customer__id__exact=no-key"])
def test_a_view_with_a_filter_that_the_list_no_longer_has_opens_without_it(boss, query):
    view = SavedView.objects.create(owner=boss, name="Старый", query=query, columns=["when"])
    page = browser_of(boss).get(url(view), follow=True)
    assert page.redirect_chain == [(f"{LIST}?view={view.pk}", 302)]
    assert "Фильтров вида «Старый» больше нет" in page.content.decode()
    assert chips(page)[1] == "Старый изменён"


@pytest.mark.parametrize("key", ["nonsense", "8b0f1c2e-0000-4000-8000-000000000000"])
def test_a_deleted_view_opens_its_filters_with_a_message(boss, key):
    page = browser_of(boss).get(LIST, {"view": key, "stage": "new"}, follow=True)
    assert page.redirect_chain == [(f"{LIST}?stage=new", 302)]
    assert "Этого вида больше нет" in page.content.decode()


def test_counts_of_views_are_loaded_after_the_page(boss, make_order, monkeypatch):
    for number in range(1001, 1004):
        make_order(number)
    browser = browser_of(boss)
    view = saved(browser)
    late = saved(browser, "preset=late", name="Поздние")
    broken = SavedView.objects.create(owner=boss, name="Старый", query="gone__exact=1", columns=["when"])
    key = f"crm-count-view-{view.pk.hex}"
    page = browser.get(LIST).content.decode()
    assert f'id="{key}"></b>' in page
    assert f'hx-get="{VIEWS}counts/"' in page
    counts = browser.get(f"{VIEWS}counts/").content.decode()
    assert f'id="{key}" hx-swap-oob="morph">3<' in counts
    assert f'id="crm-count-view-{late.pk.hex}" hx-swap-oob="morph">' in counts
    assert f'id="crm-count-view-{broken.pk.hex}" hx-swap-oob="morph" data-zero><' in counts
    monkeypatch.setattr("orders.admin.orders.view_counts.COUNTED", 2)
    assert 'hx-swap-oob="morph">2+<' in browser.get(f"{VIEWS}counts/").content.decode()
    assert key in browser.get(f"{LIST}pulse/", {"minute": "00:01", "changed": ""}).content.decode()
    assert key not in browser.get(f"{LIST}pulse/", {"minute": "00:01", "hidden": "1"}).content.decode()


def test_queries_of_the_page_and_of_a_count_do_not_depend_on_the_views(boss, make_order):
    City.objects.create(bitrix_id=77, name="Тараз")
    make_order(1001)
    browser = browser_of(boss)

    def queries(path):
        browser.get(path)
        with CaptureQueriesContext(connection) as captured:
            browser.get(path)
        return len(captured)

    view = saved(browser)
    page, one = queries(url(view)), queries(f"{VIEWS}counts/")
    saved(browser, name="Второй")
    two = queries(f"{VIEWS}counts/")
    for number in range(8):
        saved(browser, name=f"Вид {number}")
    assert queries(url(view)) == page <= 20
    assert queries(f"{VIEWS}counts/") == one + 9 * (two - one)
