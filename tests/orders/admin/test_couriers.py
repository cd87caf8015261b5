"""Tests of the couriers' pages and of a courier's route.

They check contents, validation, the number of queries, and permissions.
"""

from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import City, Courier, DeliverySlot, Order, OrderItem, Status
from tests.orders.admin.conftest import change_url

COURIERS = "/crm/orders/courier/"
numbers = count(5001)


@pytest.fixture
def courier(db):
    return Courier.objects.create(name="Ерлан", phone="+77770001122", telegram="@erlan_kz")


@pytest.fixture
def make(courier):
    def order(status="delivering", **values):
        defaults = {
            "order_number": str(next(numbers)),
            "courier": courier,
            "recipient_name": "Мария",
            "recipient_phone": "+77011234567",
            "delivery_address": "ул. Абая 150, кв 25",
            "delivery_date": timezone.localdate(),
            "delivery_slot": DeliverySlot.objects.get(bitrix_id="18"),
            "city": City.objects.get(bitrix_id=2),
            "total_amount": Decimal(17000),
        }
        made = Order.objects.create(status=Status.objects.get(code=status), **(defaults | values))
        OrderItem.objects.create(order=made, position=0, price=1, total=1, product_snapshot={"name": "Букет Стандарт"})
        return made

    return order


def route(courier):
    return f"{COURIERS}{courier.pk}/route/"


def text(answer):
    return answer.content.decode().replace("\xa0", " ").replace("&nbsp;", " ")


def cost(client, url):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


# --- the list and the form


def test_list_shows_stops_and_sum_of_today_for_each_courier(browser, make, courier):
    make()
    make(paid_amount=Decimal(14000))
    make(payment_status="paid")
    for other in ({"status": "completed"}, {"status": "declined"}, {"is_pickup": True}, {"is_cancelled": True},
                  {"delivery_date": timezone.localdate() + timedelta(days=1)}):  # fmt: skip
        make(**other)
    Courier.objects.create(name="Азамат")
    html = text(browser.get(COURIERS))
    assert "3 адреса · 20 000 ₸" in html
    assert html.count("₸") == 1
    for part in ("tel:+77770001122", "https://wa.me/77770001122", "https://t.me/erlan_kz", route(courier)):
        assert part in html


def test_list_takes_constant_number_of_queries(browser, make):
    make()
    cost(browser, COURIERS)
    few = cost(browser, COURIERS)
    for number in range(5):
        courier = Courier.objects.create(name=f"Курьер {number}", phone=f"+7777000112{number}")
        make(courier=courier)
    assert cost(browser, COURIERS) == few


def test_empty_list_shows_how_to_add_couriers(browser, courier):
    assert "Курьеров пока нет" not in text(browser.get(COURIERS))
    assert "Курьеров пока нет" not in text(browser.get(COURIERS, {"q": "никто"}))
    courier.delete()
    assert "Добавьте тех, кто доставляет" in text(browser.get(COURIERS))


@pytest.mark.parametrize("typed", ["ерл", "8 777 000 11 22", "erlan"])
def test_courier_is_found_by_name_phone_and_telegram(browser, courier, typed):
    Courier.objects.create(name="Азамат", phone="+77010000000")
    html = text(browser.get(COURIERS, {"q": typed}))
    assert "Ерлан" in html
    assert "Азамат" not in html


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("erlan_kz2", "@erlan_kz2"),
        ("@Erlan_kz", "@Erlan_kz"),
        ("https://t.me/erlan_kz2", "@erlan_kz2"),
        ("t.me/erlan_kz2/", "@erlan_kz2"),
        ("", ""),
    ],
)
def test_phone_and_telegram_are_stored_normalized(browser, db, typed, stored):
    data = {"name": "  Серик   Ә. ", "phone": "8 (705) 000-11-22", "telegram": typed, "is_active": "on"}
    assert browser.post(f"{COURIERS}add/", data).status_code == 302
    courier = Courier.objects.get()
    assert (courier.name, courier.phone, courier.telegram) == ("Серик Ә.", "+77050001122", stored)


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("phone", "12", "Такого номера нет"),
        ("phone", "8 777 000-11-22", "уже у курьера: Ерлан"),
        ("telegram", "ерлан", "не имя в Telegram"),
        ("telegram", "abc", "не имя в Telegram"),
        ("telegram", "https://evil.example/erlan", "не имя в Telegram"),
    ],
)
def test_invalid_contacts_show_error_and_keep_typed_values(browser, courier, field, typed, says):
    data = {"name": "Серик", "phone": "", "telegram": "", "is_active": "on", field: typed}
    html = text(browser.post(f"{COURIERS}add/", data))
    assert says in html
    assert "Серик" in html
    assert Courier.objects.count() == 1


def test_phone_is_masked_and_read_only_without_permission(browser_of, courier):
    client = browser_of("orders.view_courier", "orders.change_courier")
    page = f"{COURIERS}{courier.pk}/change/"
    for html in (text(client.get(COURIERS)), text(client.get(page))):
        assert "••• 1122" in html
        assert "77770001122" not in html
        assert "000-11-22" not in html
    client.post(page, {"name": "Ерлан К.", "phone": "+77050000000", "telegram": "@erlan_kz", "is_active": "on"})
    courier.refresh_from_db()
    assert (courier.name, courier.phone) == ("Ерлан К.", "+77770001122")


def test_reader_sees_courier_without_form_fields(browser_of, courier):
    html = text(browser_of("orders.view_courier", "orders.view_phones").get(f"{COURIERS}{courier.pk}/change/"))
    assert "777 000-11-22" in html
    assert 'name="phone"' not in html


# --- the route


def test_route_shows_stops_maps_calls_and_payment(browser, make, courier):
    late = make(delivery_slot=DeliverySlot.objects.create(bitrix_id="19", name="18:00–19:00", starts_at="18:00",
                                                          ends_at="19:00"), is_surprise=True)  # fmt: skip
    first = make(paid_amount=Decimal(14000), courier_comment="код 12")
    done = make("completed")
    tomorrow = make(delivery_date=timezone.localdate() + timedelta(days=1))
    html = text(browser.get(route(courier)))
    for part in ("Получить: <strong", "20 000 ₸", "15:00–16:00", "18:00–19:00", "Алматы, ул. Абая 150, кв 25", "Мария",
                 "код 12", "Букет Стандарт × 1", "доплата", "3 000 ₸", "СЮРПРИЗ: не называть отправителя",
                 "https://2gis.kz/almaty/search/", "https://yandex.kz/maps/", 'value="route_sheet:a4"',
                 "Доставлен 1 заказ"):  # fmt: skip
        assert part in html, part
    assert html.index(first.order_number) < html.index(late.order_number) < html.index(change_url(done))
    assert tomorrow.order_number not in html
    assert html.count('class="crm-button" href="tel:+77011234567"') == 1, "the recipient of a surprise is not called"
    assert tomorrow.order_number in text(browser.get(route(courier), {"date": f"{tomorrow.delivery_date}"}))


def test_route_without_stops_shows_message(browser, courier):
    assert "На этот день доставок нет" in text(browser.get(route(courier)))
    assert browser.get(route(courier), {"date": "вчера"}).status_code == 200


def test_route_takes_constant_number_of_queries(browser, make, courier):
    make()
    cost(browser, route(courier))
    few = cost(browser, route(courier))
    for _ in range(6):
        make(city=City.objects.get_or_create(bitrix_id=3, name="Каскелен")[0])
    assert cost(browser, route(courier)) == few


def post_step(client, courier, order, step="delivered"):
    return client.post(f"{COURIERS}{courier.pk}/step/", {"order": str(order.pk), "step": step}, follow=True)


def test_route_buttons_set_delivering_then_completed(browser, manager, make, courier):
    order = make("accepted", ready_at=timezone.now())
    html = text(browser.get(route(courier)))
    assert 'name="step" value="deliver"' in html, "it has to be on its way first"
    post_step(browser, courier, order, "deliver")
    assert 'name="step" value="delivered"' in text(browser.get(route(courier)))
    answer = post_step(browser, courier, order)
    assert answer.redirect_chain[-1][0] == route(courier)
    assert "Выполнен" in text(answer)
    assert "Всё доставлено" in text(answer)
    event = order.events.first()
    assert (Order.objects.get().status_id, event.kind, event.actor) == ("completed", "status", manager)


def test_route_button_refuses_wrong_status_courier_or_order(browser, make, courier):
    order = make("accepted")
    assert "№" in text(post_step(browser, courier, order))
    other = make(courier=Courier.objects.create(name="Азамат"))
    assert "уже у другого курьера" in text(post_step(browser, courier, other))
    assert post_step(browser, courier, order, "take").status_code == 404
    assert browser.post(f"{COURIERS}{courier.pk}/step/", {"order": "x", "step": "delivered"}).status_code == 404
    assert browser.get(f"{COURIERS}{courier.pk}/step/").status_code == 405
    assert set(Order.objects.values_list("status", flat=True)) == {"accepted", "delivering"}


def test_route_and_its_buttons_require_permissions(browser_of, make, courier):
    order = make()
    for rights in (("orders.view_courier",), ("orders.view_order",)):
        assert browser_of(*rights).get(route(courier)).status_code == 403, rights
    reader = browser_of("orders.view_courier", "orders.view_order")
    html = text(reader.get(route(courier)))
    assert "••• 4567" in html
    assert "77011234567" not in html
    assert "77770001122" not in html
    assert 'name="step"' not in html
    assert post_step(reader, courier, order).status_code == 403
    assert Order.objects.get().status_id == "delivering"
    post_step(browser_of("orders.view_courier", "orders.view_order", "orders.deliver_order"), courier, order)
    assert Order.objects.get().status_id == "completed"


def test_route_hides_sums_of_other_days_without_permission(browser_of, make, courier):
    yesterday = timezone.localdate() - timedelta(days=1)
    make(delivery_date=yesterday)
    reader = browser_of("orders.view_courier", "orders.view_order")
    html = text(reader.get(route(courier), {"date": f"{yesterday}"}))
    assert "₸" not in html
    assert "сумму скажет диспетчер" in html


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_route_works_on_first_and_last_day_of_calendar(browser, day):
    courier = Courier.objects.create(name="Азамат")
    answer = browser.get(f"/crm/orders/courier/{courier.pk}/route/", {"date": day})
    assert answer.status_code == 200
    assert f"?date={day}" in answer.content.decode()


def test_courier_reads_how_much_cash_to_bring_back(browser, browser_of, make, courier):
    today, cash = timezone.localdate(), {"payment_method": "cash"}
    make(**cash, total_amount=Decimal(9000))
    make(total_amount=Decimal(700))  # not in cash
    make("completed", **cash, total_amount=Decimal(4000))
    make("completed", **cash, total_amount=Decimal(2000), delivery_date=today - timedelta(3))
    said = "ривезти наличными: 15 000 ₸ (на руках: 4 000 ₸; за прошлые дни: 2 000 ₸)"
    page = text(browser.get(route(courier)))
    assert f'<p class="crm-bring-back">П{said}</p>' in page
    assert f"💵 П{said}" in page
    assert f"💵 П{said}" in text(browser.get(f"/crm/dispatch/brief/{courier.pk}/"))
    keys = Order.objects.filter(delivery_date=today).values_list("pk", flat=True)
    chosen = {"action": "courier_texts_of_selected", "_selected_action": [str(key) for key in keys]}
    assert f"💵 П{said}" in text(browser.post("/crm/orders/order/", chosen))

    dispatcher = browser_of("orders.view_order", "orders.view_courier", "orders.assign_order")
    page = text(dispatcher.get(route(courier)))  # the sums of earlier days are hidden
    assert "Привезти наличными: 13 000 ₸ (на руках: 4 000 ₸)" in page
    assert "Привезти наличными" not in text(dispatcher.get(f"{route(courier)}?date={today - timedelta(3)}"))


def test_texts_of_many_couriers_take_constant_number_of_queries(browser, make):
    costs = []
    browser.get("/crm/password_change/")  # caches the counts of the sidebar
    for number in (1, 4):
        for n in range(number):
            make(courier=Courier.objects.create(name=f"К {number}-{n}"), payment_method="cash")
        keys = [str(key) for key in Order.objects.values_list("pk", flat=True)]
        with CaptureQueriesContext(connection) as queries:
            browser.post("/crm/orders/order/", {"action": "courier_texts_of_selected", "_selected_action": keys})
        costs.append(len(queries))
    assert costs[0] == costs[1]
