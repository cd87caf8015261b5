"""Tests of the question before a doubtful value is saved: on the order's page, for a new order, and in the list."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from orders.models import DeliverySlot, Order
from tests.orders.admin.conftest import change_url
from tests.page_forms import read_form

ADD = "/crm/orders/order/add/"


@pytest.fixture
def order(make_order):
    return make_order()


@pytest.fixture
def past_slot(db):
    """Return a slot that is over today, at any time of the day but the first minutes."""
    end = (timezone.localtime() - timedelta(minutes=1)).time()
    return DeliverySlot.objects.create(bitrix_id="over", name="прошедшее", starts_at="00:00", ends_at=end)


def form_of(answer, form_id="order_form"):
    """Return what a browser would post, including the confirmations that belong to the form by their attribute."""
    html = answer.content.decode()
    form = read_form(html, form_id)
    keys = [piece.split('"')[0] for piece in html.split('name="confirmed" value="')[1:]]
    return form | ({"confirmed": keys} if keys else {})


def unchanged(order):
    stored = Order.objects.get(pk=order.pk)
    return (
        (stored.delivery_date, stored.delivery_slot_id, stored.total_amount)
        == (order.delivery_date, order.delivery_slot_id, order.total_amount)
        and [(item.quantity, item.price) for item in stored.items.all()] == [(Decimal(1), Decimal(7500))]
    )  # fmt: skip


def yesterday():
    return timezone.localdate() - timedelta(days=1)


@pytest.mark.parametrize(
    ("typed", "question"),
    [
        ({"delivery_date": "12.11.2025"}, "Дата уже прошла: ср 12 ноября 2025"),
        ({"items__0__price": "0"}, "Цена «Букет Стандарт» — 0 ₸."),
        ({"items__0__quantity": "1000"}, "Количество — 1\xa0000: всё верно?"),
        ({"discount_amount": "7500", "delivery_fee": "0"}, "Сумма заказа — 0 ₸."),
        ({"total_amount": "0", "delivery_fee": "0"}, "Сумма заказа — 0 ₸."),
    ],
)
def test_doubtful_value_is_saved_after_a_confirmation(browser, order, save, typed, question):
    answer = save(order, comment="подождать", **typed)
    assert answer.status_code == 200
    html = answer.content.decode()
    assert question in html
    assert "Сохранить так" in html
    assert "Исправить" in html
    assert unchanged(order)
    form = form_of(answer)
    assert form["comment"] == "подождать"
    assert browser.post(change_url(order), form).status_code == 302
    assert not unchanged(order)
    assert Order.objects.get(pk=order.pk).comment == "подождать"


def test_confirmation_is_only_for_the_value_that_was_asked_about(browser, order, save):
    form = form_of(save(order, delivery_date="12.11.2025"))
    answer = browser.post(change_url(order), form | {"delivery_date": "11.11.2025"})
    assert "Дата уже прошла: вт 11 ноября 2025" in answer.content.decode()
    assert unchanged(order)
    future = timezone.localdate() + timedelta(days=3)
    assert browser.post(change_url(order), form | {"delivery_date": future.isoformat()}).status_code == 302


def test_confirmation_is_kept_when_the_form_is_refused_for_another_reason(browser, order, save):
    form = form_of(save(order, delivery_date="12.11.2025"))
    refused = browser.post(change_url(order), form | {"delivery_fee": "-5"})
    assert refused.status_code == 200
    assert "Дата уже прошла" not in refused.content.decode()
    assert browser.post(change_url(order), form_of(refused) | {"delivery_fee": "0"}).status_code == 302


def test_order_of_an_earlier_day_is_saved_without_a_question(order, save):
    Order.objects.update(delivery_date=yesterday())
    assert save(order, comment="забрали вчера").status_code == 302
    other = DeliverySlot.objects.create(bitrix_id="early", name="рано", starts_at="06:00", ends_at="07:00")
    assert save(order, delivery_slot=other.bitrix_id).status_code == 302


def test_slot_that_is_over_today_is_asked_about(browser, order, save, past_slot):
    Order.objects.update(delivery_date=timezone.localdate())
    answer = save(order, delivery_slot="over")
    assert "Это время сегодня уже прошло: прошедшее." in answer.content.decode()
    assert browser.post(change_url(order), form_of(answer)).status_code == 302
    assert Order.objects.get().delivery_slot == past_slot


def test_order_that_costs_nothing_already_is_not_asked_about(order, save):
    Order.objects.update(total_amount=0)
    assert save(order, comment="подарок").status_code == 302


def test_question_repeats_the_way_of_saving(order, save):
    stays = save(order, delivery_date="12.11.2025", _continue="1").content.decode()
    leaves = save(order, delivery_date="12.11.2025", _save="1").content.decode()
    assert 'form="order_form" name="_continue"' in stays
    assert 'form="order_form" name="_save"' in leaves


# --- the dialog of a row


def edit_url(order):
    return reverse("admin:orders_order_edit", args=[order.pk, "when"])


def seen(order):
    return f"{order.delivery_date.isoformat()}|{order.delivery_slot_id or ''}"


@pytest.mark.parametrize("headers", [{}, {"HTTP_HX_REQUEST": "true"}])
def test_past_date_in_the_list_is_saved_after_a_confirmation(browser, order, headers):
    day = yesterday().isoformat()
    posted = {"date": day, "slot": order.delivery_slot_id or "", "seen": seen(order)}
    answer = browser.post(edit_url(order), posted, **headers)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert answer.headers.get("HX-Retarget") == "#crm-dialog" if headers else True
    assert "Дата уже прошла" in html
    assert f'value="{day}"' in html
    assert unchanged(order)
    keys = [piece.split('"')[0] for piece in html.split('name="confirmed" value="')[1:]]
    browser.post(edit_url(order), posted | {"confirmed": keys}, **headers)
    assert Order.objects.get().delivery_date == yesterday()


def test_undo_of_a_change_in_the_list_is_not_asked_about(browser, order):
    before = seen(order)
    future = timezone.localdate() + timedelta(days=3)
    Order.objects.update(delivery_date=future)
    browser.post(f"{edit_url(order)}?value={before}&seen={future.isoformat()}|{order.delivery_slot_id or ''}")
    assert Order.objects.get().delivery_date == order.delivery_date


def test_unchanged_past_date_in_the_list_is_not_asked_about(browser, order):
    posted = {"date": order.delivery_date.isoformat(), "slot": order.delivery_slot_id or "", "seen": seen(order)}
    assert browser.post(edit_url(order), posted).status_code == 302


# --- a new order


@pytest.fixture
def new_order(browser, past_slot):
    def post(**fields):
        form = read_form(browser.get(ADD).content.decode(), "new-order-form")
        form |= {"delivery_slot": "over", "delivery_date": (timezone.localdate() + timedelta(days=1)).isoformat()}
        form |= {"channel": "walk_in", "payment": "on_delivery", "payment_method": "kaspi", "items-TOTAL_FORMS": "1"}
        form |= {"items-0-product": "", "items-0-name": "Роза", "items-0-quantity": "1", "items-0-price": "900"}
        form |= {name.replace("__", "-"): value for name, value in fields.items()}
        return form, browser.post(ADD, form)

    return post


@pytest.mark.parametrize(
    ("typed", "question"),
    [
        (lambda: {"delivery_date": yesterday().isoformat()}, "Дата уже прошла"),
        (lambda: {"delivery_date": timezone.localdate().isoformat()}, "Это время сегодня уже прошло: прошедшее."),
        (lambda: {"items__0__price": "0"}, "Цена «Роза» — 0 ₸."),
        (lambda: {"discount_amount": "900"}, "Сумма заказа — 0 ₸."),
    ],
)
def test_doubtful_new_order_is_created_after_a_confirmation(browser, new_order, typed, question):
    form, answer = new_order(**typed())
    html = answer.content.decode()
    assert question in html
    assert "Заказ пока не создан" not in html
    assert not Order.objects.exists()
    keys = [piece.split('"')[0] for piece in html.split('name="confirmed" value="')[1:]]
    assert browser.post(ADD, form | {"confirmed": keys}).status_code == 302
    assert Order.objects.count() == 1
