"""Tests of the page on which staff create an order."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from bitrix_bridge.models import Push
from orders import services
from orders.models import City, Customer, DeliverySlot, Order, OrderItem, Product, Source, SyncState
from orders.rules.discounts import list_price
from orders.rules.payment import payment_of
from tests.page_forms import read_form

ADD = "/crm/orders/order/add/"
NOON = datetime(2026, 8, 25, 7, 0, tzinfo=UTC)  # this is 12:00 in Almaty
TODAY = date(2026, 8, 25)


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOON)


def line(position, **fields):
    values = {"product": "", "name": "", "quantity": "1", "price": ""} | fields
    return {f"items-{position}-{name}": value for name, value in values.items()}


BOUQUET = line(0, name="Букет на заказ", price="12 000")


@pytest.fixture
def add(browser):
    """Return a function that opens the page, fills in some fields and posts the form.

    The default is one bouquet. `seen` are the values of a page that was opened earlier.
    """

    def post(*lines, on=browser, query="", seen=None, **fields):
        form = seen or read_form(on.get(ADD + query).content.decode(), "new-order-form")
        for one in lines or (BOUQUET,):
            form |= one
        form["items-TOTAL_FORMS"] = str(len(lines or (BOUQUET,)))
        form.setdefault("name", "")
        return on.post(ADD, form | {"name": form["name"] or "Айгерим"} | fields)

    return post


def form_values(answer):
    return read_form(answer.content.decode(), "new-order-form")


def test_form_starts_with_next_slot_of_today(browser):
    DeliverySlot.objects.create(bitrix_id="a", name="10:00–11:00", starts_at=time(10), ends_at=time(11))
    DeliverySlot.objects.create(bitrix_id="z", name="18:00–19:00", starts_at=time(18), ends_at=time(19))
    DeliverySlot.objects.create(bitrix_id="off", name="13–14", starts_at=time(13), ends_at=time(14), is_active=False)
    form = form_values(browser.get(ADD))
    assert (form["delivery_date"], form["delivery_slot"]) == ("2026-08-25", "18")
    assert (form["city"], form["shop"], form["payment"]) == ("2", "17008", "on_delivery")


def test_posted_form_creates_order_with_typed_values(add, browser, manager):
    rose = Product.objects.create(name="Роза", price=Decimal(900), bitrix_product_id=5)
    box = Product.objects.create(name="Коробка", price=Decimal(2000), bitrix_product_id=6)
    answer = add(
        line(0, product=str(rose.pk), name="Роза", quantity="11", price="900"),
        line(1, product=str(box.pk), name="что угодно", quantity="1", price=""),
        line(2, name="Лента", quantity="0,5", price="1 500,50"),
        phone="8 777 123 45 67", name="Айгерим", recipient_name="Мария", recipient_phone="87011234567",
        delivery_address="Абая 150\r\nкв 25", is_surprise="on", postcard_text="Құттықтаймын! 🌷", comment="без лилий",
        delivery_fee="1500", discount_amount="500", channel="instagram", is_mine="on", total_amount="1",
    )  # fmt: skip
    order = Order.objects.get()
    assert answer.headers["Location"] == f"/crm/orders/order/{order.pk}/change/"
    page = browser.get(answer.headers["Location"]).content.decode()
    assert f"Заказ №\xa0{order.order_number} создан; сайт получит его сам." in page
    assert "Instagram" in page
    assert order.order_number.startswith("CRM-")
    assert (order.source, order.sync_state, order.status_id) == (Source.ADMIN, SyncState.PENDING, "new")
    assert (order.delivery_date, order.delivery_slot_id, order.city_id, order.shop_id) == (TODAY, "18", 2, 17008)
    assert (order.recipient_name, order.recipient_phone) == ("Мария", "+77011234567")
    assert (order.delivery_address, order.postcard_text) == ("Абая 150\nкв 25", "Құттықтаймын! 🌷")
    assert (order.is_surprise, order.is_anonymous, order.is_pickup) == (True, False, False)
    assert (order.comment, order.responsible, order.metadata) == ("без лилий", manager, {"channel": "instagram"})
    assert [(item.name, item.product, item.quantity, list_price(item)) for item in order.items.all()] == [
        ("Роза", rose, Decimal(11), Decimal(900)),
        ("Коробка", box, Decimal(1), Decimal(2000)),
        ("Лента", None, Decimal("0.5"), Decimal("1500.50")),
    ]
    # The server computes the sum and ignores the posted one. The discount is included in the prices.
    assert sum(item.total for item in order.items.all()) == Decimal("12150.25")
    assert (order.total_amount, order.discount_amount, order.paid_amount) == (Decimal("13650.25"), 500, 0)
    assert (order.payment_method, order.payment_status) == ("cash", "pending")
    assert (order.customer.name, order.customer.phone) == ("Айгерим", "+77771234567")
    assert order.events.get().actor == manager
    assert Push.objects.get().order == order


def test_lower_price_and_discount_are_added_up(add):
    rose = Product.objects.create(name="Роза", price=Decimal(900), bitrix_product_id=5)
    add(
        line(0, product=str(rose.pk), name="Роза", quantity="10", price="800", list_price="900"),
        delivery_fee="1500", discount_amount="500", payment="paid", payment_method="kaspi",
    )  # fmt: skip
    order = Order.objects.get()
    item = order.items.get()
    assert (item.price, list_price(item)) == (750, 900)
    assert (order.total_amount, order.discount_amount, payment_of(order).due) == (9000, 1500, 0)


def test_order_paid_before_has_nothing_due(add):
    add(payment="paid", payment_method="kaspi", delivery_fee="500")
    order = Order.objects.get()
    assert (order.payment_status, order.payment_method, order.paid_amount) == ("paid", "kaspi", Decimal(12500))
    assert payment_of(order).due == 0


def test_pickup_has_no_delivery_fee_and_no_address(add):
    add(is_pickup="on", delivery_fee="1500", delivery_address="Абая 1", phone="87771234567", recipient_is_customer="on")
    order = Order.objects.get()
    assert (order.is_pickup, order.delivery_address, order.total_amount) == (True, "", Decimal(12000))
    assert (order.recipient_name, order.recipient_phone) == ("Айгерим", "+77771234567")


def test_known_customer_is_found_by_phone_in_any_spelling(add):
    known = Customer.objects.create(name="Айгерим К.", phone="+77771234567")
    add(name="айгерим", phone="+7 (777) 123-45-67")
    assert Order.objects.get().customer == known
    assert Customer.objects.count() == 1


def test_other_phone_typed_over_chosen_customer_creates_new_customer(add):
    chosen = Customer.objects.create(name="Айгерим К.", phone="+77771234567")
    add(customer=str(chosen.pk), phone="8 701 000 00 01", name="Мария")
    assert Order.objects.get().customer.phone == "+77010000001"


def test_walk_in_needs_no_customer_but_phone_call_does(add, browser):
    seen = form_values(browser.get(ADD)) | BOUQUET | {"items-TOTAL_FORMS": "1"}
    refused = browser.post(ADD, seen)
    assert "Укажите телефон клиента или хотя бы его имя." in refused.content.decode()
    browser.post(ADD, seen | {"channel": "walk_in"})
    assert Order.objects.get().customer is None
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"phone": "123"}, "Такого номера нет"),
        ({"recipient_phone": "8 701"}, "Такого номера нет"),
        ({"delivery_date": "2026-08-24"}, "Дата уже прошла: пн 24 августа."),
        ({"delivery_date": "2024-08-24"}, "Это больше года назад."),
        ({"delivery_date": "2027-08-27"}, "Проверьте год."),
        ({"delivery_date": ""}, "Выберите день."),
        ({"delivery_slot": "a"}, "Это время сегодня уже прошло: 10:00–11:00."),
        ({"delivery_slot": "no such"}, "Выберите корректный вариант."),
        ({"delivery_fee": "-1"}, "Сумма не может быть меньше нуля."),
        ({"discount_amount": "12000,01"}, "12\xa0000,01\xa0₸"),
        ({"discount_amount": "12001", "delivery_fee": "1500"}, 'id="id_discount_amount_error"'),
        ({"delivery_fee": "много"}, "Напишите число."),
        ({"postcard_text": "я" * 501}, "Введён 501 знак, допустимо 500: лишние 1"),
        ({"payment": "paid", "payment_method": ""}, "Выберите, как оплачено."),
        (line(0, name="Букет мечты"), "Укажите цену."),
        (line(0, price="5"), "Напишите, что собрать"),
        (line(0, name="Роза", price="-5"), "Сумма не может быть меньше нуля."),
        (line(0, name="Роза", price="5", quantity="0"), "Количество должно быть больше нуля."),
        (line(0, name="Роза", price="5", quantity="1000"), "Не больше 999 штук."),
        (line(0, product="00000000-0000-4000-8000-000000000000", name="Роза", price="5"), "Такого товара больше нет."),
        ({"items-TOTAL_FORMS": "0"}, "Добавьте, что заказали"),
        (line(0, name="Роза", price="99999999", quantity="999"), "Сумма слишком большая."),
    ],
)  # fmt: skip
def test_invalid_form_shows_error_and_keeps_typed_values(add, fields, error):
    DeliverySlot.objects.create(bitrix_id="a", name="10:00–11:00", starts_at=time(10), ends_at=time(11))
    typed = {"phone": "8 777 123 45 67", "recipient_name": "Мария", "postcard_text": "С днём\r\nрождения"} | fields
    answer = add(BOUQUET | {name: value for name, value in typed.items() if name.startswith("items-0")}, **typed)
    assert answer.status_code == 200
    assert error in answer.content.decode()
    expected = BOUQUET | typed | {"name": "Айгерим"}
    if error == "Добавьте, что заказали":
        expected = {name: value for name, value in expected.items() if not name.startswith("items-0")}
    expected.pop("delivery_slot", None)
    if expected.get("payment_method") == "":
        expected.pop("payment_method")
    kept = form_values(answer)
    assert {name: kept.get(name) for name in expected} == expected
    assert not Order.objects.exists()
    assert not Customer.objects.exists()


def test_line_break_of_postcard_counts_as_one_character(add):
    add(postcard_text="\r\n".join("я" * 250))
    assert len(Order.objects.get().postcard_text) == 499


def test_chosen_customer_and_slot_are_kept_when_form_is_invalid(add):
    known = Customer.objects.create(name="Айгерим К.", phone="+77771234567")
    answer = add(customer=str(known.pk), phone="+7 777 123-45-67", delivery_fee="x", delivery_date="2026-08-26")
    form = form_values(answer)
    assert (form["customer"], form["delivery_slot"], form["delivery_date"]) == (str(known.pk), "18", "2026-08-26")
    assert "Айгерим К." in answer.content.decode()


def test_form_posted_twice_creates_one_order(add, browser):
    seen = form_values(browser.get(ADD))
    first = add(seen=dict(seen), phone="", name="Без телефона")
    second = add(seen=dict(seen), phone="", name="Без телефона")
    assert first.headers["Location"] == second.headers["Location"]
    assert Order.objects.get().pk == UUID(seen["key"])
    assert (Customer.objects.count(), OrderItem.objects.count(), Push.objects.count()) == (1, 1, 1)
    # The page lists created orders. The browser then deletes the stored input of these orders.
    assert seen["key"] in browser.get(ADD).content.decode()


def test_service_called_twice_with_same_id_creates_one_order(manager):
    key = uuid4()
    made = [
        services.create_order(
            items=[services.NewItem(name="Букет", price=Decimal(1))],
            caller=services.Caller(name="Без телефона"),
            order_id=key,
            actor=manager,
        )
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert (Order.objects.count(), Customer.objects.count(), Push.objects.count()) == (1, 1, 1)


def test_refusal_of_service_rolls_back_new_customer(add, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise services.NotAllowedError("Сегодня не принимаем")

    monkeypatch.setattr("orders.services.creation.store_items", refuse)
    html = add(phone="87771234567").content.decode()
    assert "Сегодня не принимаем" in html
    assert "Букет на заказ" in html
    assert not Customer.objects.exists()


UNKNOWN = "00000000-0000-4000-8000-000000000000"
PATHS = (
    ADD,
    f"{ADD}customers/?q=7777",
    f"{ADD}customers/{UNKNOWN}/",
    f"{ADD}products/?q=роз",
)


@pytest.mark.parametrize("path", PATHS)
def test_new_order_urls_require_permission_to_add(browser_of, client, path):
    clerk = browser_of("orders.view_order", "orders.change_order", "orders.view_customer", "orders.view_product")
    assert clerk.get(path).status_code == 403
    assert client.get(path).status_code == 302
    assert clerk.post(ADD, BOUQUET).status_code == 403


def test_user_who_may_only_add_is_redirected_to_start_page(add, browser_of):
    answer = add(on=browser_of("orders.add_order"))
    assert answer.headers["Location"] == "/crm/"
    assert Order.objects.get().responsible is None  # the user is assigned only if the box is ticked


# --- suggestions


@pytest.fixture
def regular(make_order):
    """Return a customer received from the site, who has four orders for three recipients."""
    for number, name, address in (
        (1, "Мама", "Абая 1"), (2, "Мария", "Абая 150"), (3, "мария", "абая 150"), (4, "Анна", "Сатпаева 3"),
    ):  # fmt: skip
        make_order(
            number,
            properties={"nameRecipient": name, "phoneRecipient": "87015554433", "addressRecipient": address},
            user={"ID": "77", "NAME": "Айгерим", "PERSONAL_PHONE": "87771234567"},
            DATE_INSERT=f"0{number}.08.2026 10:00:00",
        )
    return Customer.objects.get(bitrix_user_id=77)


@pytest.mark.parametrize("text", ["8 777 1", "4567", "87771234567", "айг"])
def test_customers_are_suggested_by_name_and_phone(browser, regular, text):
    (found,) = browser.get(f"{ADD}customers/", {"q": text}).json()["found"]
    assert (found["id"], found["name"], found["phone"]) == (str(regular.pk), "Айгерим", "+7 777 123-45-67")
    assert found["orders"] == "4 заказа, последний 04.08.2026"
    assert found["is_exact"] is (text == "87771234567")


def test_too_short_text_suggests_nothing(browser, regular):
    assert browser.get(f"{ADD}customers/", {"q": "777"}).json()["found"] == []
    assert browser.get(f"{ADD}products/", {"q": "р"}).json()["found"] == []


def test_latest_recipients_of_customer_are_returned_once_each(browser, regular):
    found = browser.get(f"{ADD}customers/{regular.pk}/").json()["found"]
    assert [recipient["label"] for recipient in found["recipients"]] == [
        "Анна · Сатпаева 3",
        "мария · абая 150",
        "Мама · Абая 1",
    ]
    assert browser.get(f"{ADD}customers/{UNKNOWN}/").status_code == 404


def test_masked_phones_are_accepted_without_permission_for_phones(browser_of, add, regular):
    clerk = browser_of("orders.add_order", "orders.view_order")
    (found,) = clerk.get(f"{ADD}customers/", {"q": "4567"}).json()["found"]
    assert found["phone"] == "•••\xa04567"
    # A search by some of the digits must also not find the phone.
    for text, is_found in (("87771234567", True), ("77712", False), ("7771", False), ("айг", True)):
        assert bool(clerk.get(f"{ADD}customers/", {"q": text}).json()["found"]) is is_found
    answer = clerk.get(f"{ADD}customers/{regular.pk}/")
    recipient = answer.json()["found"]["recipients"][0]
    assert recipient["phone"] == "•••\xa04433"
    earlier = Order.objects.get(bitrix_order_id=4)
    for text in (answer.content.decode(), clerk.get(f"{ADD}?from={earlier.pk}").content.decode()):
        without_keys = re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", text)
        assert "777123" not in without_keys
        assert "555443" not in without_keys
    add(on=clerk, customer=found["id"], phone=found["phone"], recipient_name="Анна", recipient_from=recipient["from"],
        recipient_phone=recipient["phone"])  # fmt: skip
    order = Order.objects.get(bitrix_order_id=None)
    assert (order.customer, order.recipient_phone) == (regular, "+77015554433")


def test_products_are_suggested_with_those_on_sale_first(browser):
    Product.objects.create(name="Алые розы", price=Decimal(900), quantity=Decimal(0), is_active=False)
    Product.objects.create(name="Букет «Розы, 25 шт»", price=Decimal(22500), quantity=Decimal(3))
    Product.objects.create(name="Гвоздика", price=Decimal(500))
    found = browser.get(f"{ADD}products/", {"q": "роз"}).json()["found"]
    assert [(one["name"], one["price"], one["details"], one["on_sale"]) for one in found] == [
        ("Букет «Розы, 25 шт»", "22500", "22\xa0500\xa0₸ · в наличии: 3", True),
        ("Алые розы", "900", "900\xa0₸ · не продаётся", False),
    ]
    Product.objects.bulk_create(Product(name=f"Роза {number}") for number in range(30))
    assert len(browser.get(f"{ADD}products/", {"q": "роз"}).json()["found"]) == 20


def test_suggestions_take_constant_number_of_queries(browser, add, regular, django_assert_num_queries):
    browser.get(ADD)
    Customer.objects.bulk_create(Customer(name="Айгерим", phone=f"+7777000000{n}") for n in range(8))
    # Two queries of each request read the session and the user.
    with django_assert_num_queries(4):
        browser.get(f"{ADD}customers/", {"q": "айгерим"})
    with django_assert_num_queries(5):
        browser.get(f"{ADD}customers/{regular.pk}/")
    with django_assert_num_queries(3):
        browser.get(f"{ADD}products/", {"q": "роз"})


# --- opened with a phone or for an earlier order


def test_form_starts_with_phone_of_url_and_its_customer(browser, regular):
    form = form_values(browser.get(ADD, {"phone": "87771234567"}))
    assert (form["phone"], form["name"], form["customer"]) == ("+7 777 123-45-67", "Айгерим", str(regular.pk))
    assert form_values(browser.get(ADD, {"phone": "8 701 000 00 02"}))["phone"] == "+7 701 000-00-02"


def test_repeated_order_has_present_prices_and_reports_differences(browser, add, make_order):
    lines = [("11", "Розы", "9000"), ("12", "Ваза", "3000"), ("13", "Коробка", "2000")]
    earlier = make_order(
        7,
        PRICE_DELIVERY="1500",
        properties={"nameRecipient": "Мария", "phoneRecipient": "87015554433", "addressRecipient": "Абая 150",
                    "postcardText": "С днём рождения", "data": "20.08.2026"},
        user={"ID": "77", "NAME": "Айгерим", "PERSONAL_PHONE": "87771234567"},
        basket=[{"ID": key, "PRODUCT_ID": key, "NAME": name, "PRICE": price, "QUANTITY": "2", "CURRENCY": "KZT"}
                for key, name, price in lines],
    )  # fmt: skip
    Product.objects.filter(bitrix_product_id=11).update(price=Decimal(9900))
    Product.objects.filter(bitrix_product_id=12).update(is_active=False)
    page = browser.get(ADD, {"from": str(earlier.pk)})
    html, form = page.content.decode(), form_values(page)
    assert "«Ваза» больше не продаётся." in html
    assert "«Розы» теперь стоит 9\xa0900\xa0₸, раньше стоило 9\xa0000\xa0₸." in html
    assert [form.get(f"items-{n}-name") for n in range(3)] == ["Розы", "Коробка", None]
    assert (form["delivery_date"], form["postcard_text"], form["delivery_fee"]) == ("", "", "1500")
    browser.post(ADD, form | {"delivery_date": "2026-08-26"})
    order = Order.objects.get(bitrix_order_id=None)
    assert (order.customer, order.recipient_phone) == (earlier.customer, "+77015554433")
    assert order.total_amount == Decimal(9900 * 2 + 2000 * 2 + 1500)


def test_repeated_order_with_discount_has_list_prices(browser, add, manager):
    rose = Product.objects.create(name="Роза", price=Decimal(900), bitrix_product_id=5)
    earlier = services.create_order(
        items=[
            services.NewItem(product=rose, quantity=Decimal(11)),
            services.NewItem(name="Лента", price=Decimal(500), quantity=Decimal(3)),
        ],
        fields={"discount_amount": Decimal(1000)},
        actor=manager,
    )
    assert earlier.items.count() == 3
    page = browser.get(ADD, {"from": str(earlier.pk)})
    form = form_values(page)
    lines = [[form[f"items-{n}-{name}"] for name in ("name", "quantity", "price")] for n in range(2)]
    assert lines == [["Роза", "11", "900"], ["Лента", "3", "500"]]
    assert (form["items-TOTAL_FORMS"], form["discount_amount"]) == ("2", "")
    assert "теперь стоит" not in page.content.decode()


def test_repeated_order_hides_earlier_sums_without_permission(browser_of, make_order):
    earlier = make_order(
        8,
        PRICE_DELIVERY="1234",
        properties={"data": "20.08.2026"},
        basket=[{"ID": "1", "PRODUCT_ID": "14", "NAME": "Розы", "PRICE": "9876", "QUANTITY": "1"}],
    )
    Product.objects.filter(bitrix_product_id=14).update(price=Decimal(9900))
    html = browser_of("orders.add_order", "orders.view_order").get(ADD, {"from": str(earlier.pk)}).content.decode()
    assert "9900" in html
    assert "9\xa0876" not in html
    assert "1234" not in html


@pytest.mark.parametrize("key", ["00000000-0000-4000-8000-000000000000", "x"])
def test_unknown_order_is_not_repeated(browser, key):
    assert "не найден" in browser.get(ADD, {"from": key}).content.decode()


def test_slot_that_ends_after_midnight_is_accepted_today(add):
    DeliverySlot.objects.create(bitrix_id="n", name="23:00–01:00", starts_at=time(23), ends_at=time(1))
    City.objects.create(bitrix_id=9, name="Астана")
    add(delivery_slot="n", city="9", delivery_date=f"{TODAY}")
    assert (Order.objects.get().delivery_slot_id, Order.objects.get().city_id) == ("n", 9)
