"""Tests of two users who edit one order: each sees that the other has the page open, and no change is lost."""

import io
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from cvety_crm.users import User
from orders import services
from orders.models import EventKind, OrderEvent, OrderPresence, Source
from orders.services import presence
from orders.sync.snapshot import ItemSnapshot
from tests.orders.admin.conftest import LIST, change_url
from tests.orders.photos.pictures import picture
from tests.page_forms import read_form


@pytest.fixture
def colleague(db) -> User:
    return User.objects.create_user("aliya", first_name="Алия", is_staff=True)


@pytest.fixture
def order(make_order):
    return make_order()


def open_form(browser, order):
    return read_form(browser.get(change_url(order)).content.decode(), "order_form")


def notice_rows(html):
    """Return the rows of the notice about concurrent changes, without markup."""
    note = re.search(r'<section class="[^"]*crm-both".*?</section>', html, re.S)
    rows = re.findall(r'<div class="crm-both-row" role="row">(.*?)</div>', note[0], re.S) if note else []
    return [re.sub(r"<[^>]+>|\s+", " ", row) for row in rows]


def line(name, quantity="1", price="500"):
    return ItemSnapshot(
        bitrix_basket_id=None, bitrix_product_id=None, quantity=Decimal(quantity), price=Decimal(price),
        product_snapshot={"name": name},
    )  # fmt: skip


def as_stored(order):
    return [
        ItemSnapshot(
            bitrix_basket_id=item.bitrix_basket_id, bitrix_product_id=item.bitrix_product_id, quantity=item.quantity,
            price=item.price, product_snapshot=item.product_snapshot,
        )
        for item in order.items.all()
    ]  # fmt: skip


def edit(order, actor, items=None, **changes):
    services.edit_order(order_id=order.pk, changes=changes, items=items, actor=actor)


# --- concurrent saves


def test_notice_shows_both_versions_with_author_and_time(browser, order, save, colleague):
    seen = open_form(browser, order)
    edit(order, colleague, delivery_address="Сатпаева 1")
    html = save(order, seen=seen, delivery_address="Абая 200", comment="без лилий").content.decode()
    (row,) = notice_rows(html)
    assert re.search(r"Адрес .*ул\. Абая 150, кв 25 .*Сатпаева 1 .*Алия, \d\d:\d\d .*Абая 200", row)
    form = read_form(html, "order_form")
    assert (form["delivery_address"], form["comment"]) == ("Абая 200", "без лилий")
    order.refresh_from_db()
    assert order.delivery_address == "Сатпаева 1"

    assert save(order, seen=form).status_code == 302
    order.refresh_from_db()
    assert (order.delivery_address, order.comment) == ("Абая 200", "без лилий")


def test_line_changed_only_by_colleague_is_kept(browser, make_order, save, colleague):
    basket = [{"ID": str(n), "PRODUCT_ID": str(n), "NAME": f"Букет {n}", "PRICE": "100", "QUANTITY": "1"}
              for n in (1, 2)]  # fmt: skip
    order = make_order(basket=basket)
    seen = open_form(browser, order)
    first, second = as_stored(order)
    edit(order, colleague, items=[replace(first, quantity=Decimal(7)), second])
    assert save(order, seen=seen, items__1__quantity="3").status_code == 302
    assert [item.quantity for item in order.items.all()] == [7, 3]


def test_line_changed_by_both_needs_second_save(browser, order, save, colleague):
    seen = open_form(browser, order)
    (only,) = as_stored(order)
    edit(order, colleague, items=[replace(only, quantity=Decimal(7))])
    html = save(order, seen=seen, items__0__quantity="3").content.decode()
    (row,) = notice_rows(html)
    assert re.search(r"Букет Стандарт: количество .* 1 .* 7 .*Алия, .* 3 ", row)
    form = read_form(html, "order_form")
    assert form["items-0-quantity"] == "3"
    assert save(order, seen=form).status_code == 302
    assert order.items.get().quantity == 3


def test_replaced_lines_and_typed_lines_are_merged(browser, order, save, colleague):
    seen = open_form(browser, order)
    edit(order, colleague, items=[line("Шар")])
    new = {"items__1__product": "", "items__1__name": "Ваза", "items__1__quantity": "2", "items__1__price": "900"}
    html = save(order, seen=seen, items__TOTAL_FORMS="2", items__0__quantity="5", **new).content.decode()
    assert [re.search(r"^ *(\S+( \S+)?)", row)[1].strip() for row in notice_rows(html)] == ["Шар", "Букет Стандарт"]
    assert re.search(r"Букет Стандарт .* 1 × 7 500 ₸ .*удалено .*Алия, .* 5 × 7 500 ₸", notice_rows(html)[1])
    form = read_form(html, "order_form")
    assert form["items-INITIAL_FORMS"] == "1"
    assert (form["items-0-quantity"], form["items-1-name"], form["items-2-name"]) == ("1", "Ваза", "Букет Стандарт")
    assert form["items-2-quantity"] == "5"
    assert [item.name for item in order.items.all()] == ["Шар"]

    assert save(order, seen=form).status_code == 302
    assert {(item.name, item.quantity) for item in order.items.all()} == {
        ("Шар", 1),
        ("Ваза", 2),
        ("Букет Стандарт", 5),
    }


def test_unedited_lines_replaced_by_colleague_need_no_confirmation(browser, order, save, colleague):
    seen = open_form(browser, order)
    edit(order, colleague, items=[line("Шар")])
    assert save(order, seen=seen, recipient_name="Анна").status_code == 302
    order.refresh_from_db()
    assert (order.recipient_name, order.items.get().name) == ("Анна", "Шар")


def test_removal_of_line_changed_by_colleague_needs_second_save(browser, make_order, save, colleague):
    basket = [{"ID": str(n), "PRODUCT_ID": str(n), "NAME": f"Букет {n}", "PRICE": "100", "QUANTITY": "1"}
              for n in (1, 2)]  # fmt: skip
    order = make_order(basket=basket)
    seen = open_form(browser, order)
    first, second = as_stored(order)
    edit(order, colleague, items=[replace(first, quantity=Decimal(7)), second])
    html = save(order, seen=seen, items__0__DELETE="on").content.decode()
    assert re.search(r"Букет 1 .* 1 × 100 ₸ .* 7 × 100 ₸ .*Алия, .* удалено", notice_rows(html)[0])
    form = read_form(html, "order_form")
    assert save(order, seen={**form, "items-0-DELETE": "on"}).status_code == 302
    assert [item.name for item in order.items.all()] == ["Букет 2"]


# --- presence


def beat(browser, order, since="", **data):
    return browser.post(f"{LIST}{order.pk}/here/", {"since": str(since), **data})


def test_heartbeat_reports_no_change_for_photos(browser, order, manager):
    opened, content = timezone.now(), picture()
    photo = services.add_photo(order_id=order.pk, upload=io.BytesIO(content), size=len(content), actor=manager)
    services.make_photo_link(order_id=order.pk, actor=manager)
    services.withdraw_photo(photo_id=photo.pk, actor=manager)
    assert "crm-changed" not in beat(browser, order, opened).content.decode()
    services.assign_florist(order_id=order.pk, florist=manager, actor=manager)
    assert "crm-changed" in beat(browser, order, opened).content.decode()


def test_heartbeat_shows_colleague_until_they_leave_or_time_out(browser, order, manager, colleague, monkeypatch):
    assert "Сейчас здесь" not in beat(browser, order).content.decode()
    presence.beat(order.pk, colleague, since=None)
    html = beat(browser, order).content.decode()
    assert "Алия" in html
    assert "Данияр" not in html

    presence.leave(order.pk, colleague)
    assert "Алия" not in beat(browser, order).content.decode()
    presence.beat(order.pk, colleague, since=None)
    later = timezone.now() + timedelta(minutes=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert "Алия" not in beat(browser, order).content.decode()

    assert beat(browser, order, left="1").status_code == 204
    assert not OrderPresence.objects.filter(user=manager).exists()


def test_heartbeat_reports_changes_since_page_was_opened(browser, order, colleague, manager):
    since = re.search(r'data-since="([^"]+)"', browser.get(change_url(order)).content.decode())[1]
    assert beat(browser, order, since).content.decode().strip() == ""
    # A timeline entry about sending is not a change.
    OrderEvent.objects.create(order=order, kind=EventKind.SENT, source=Source.SYSTEM)
    assert beat(browser, order, since).content.decode().strip() == ""
    edit(order, colleague, recipient_name="Анна")
    assert re.search(r"Заказ изменён: Алия, \d\d:\d\d", beat(browser, order, since).content.decode())
    edit(order, manager, recipient_name="Ольга")
    assert "Вы изменили заказ в другом окне" in beat(browser, order, since).content.decode()
    assert beat(browser, order, since=timezone.now()).content.decode().strip() == ""


@pytest.mark.parametrize("since", ["", "вчера", "2025-13-45T00:00:00+00:00", "2025-08-25T12:00:00"])
def test_heartbeat_with_malformed_time_is_recorded(browser, order, since):
    assert beat(browser, order, since).status_code == 200
    assert OrderPresence.objects.count() == 1


def test_heartbeat_takes_five_queries(browser, order, colleague, django_assert_num_queries):
    presence.beat(order.pk, colleague, since=None)
    beat(browser, order, since=timezone.now())
    with django_assert_num_queries(5):  # two of the queries read the session and the user
        beat(browser, order, since=timezone.now() - timedelta(days=400))


def test_old_presence_rows_are_pruned(order, colleague):
    presence.beat(order.pk, colleague, since=None)
    presence.prune()
    assert OrderPresence.objects.count() == 1
    OrderPresence.objects.update(seen_at=timezone.now() - timedelta(days=2))
    presence.prune()
    assert not OrderPresence.objects.exists()
