"""Tests of values that the site has not sent or that could not be read: no page, paper or message guesses them."""

import html
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone, translation

from bitrix_bridge.models import Push
from cvety_crm.roles import FLORIST
from notifications import texts
from orders import services
from orders.models import Courier, Order
from orders.paper.courier_texts import full_text, route_text, short_text
from orders.paper.orders_to_print import orders_to_print
from orders.paper.route_sheet import route_of, route_sheets
from orders.rules.lateness import due_at
from orders.selectors.customer_orders import customer_orders_of
from orders.selectors.dashboard import metrics
from orders.values.paper_formats import A4
from tests.orders.paper.pdf import pdf_text
from tests.page_forms import read_form
from tests.roles import browser_of, person
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db
LIST = "/crm/orders/order/"


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture
def staff(manager):
    client = Client()
    client.force_login(manager)
    return client


def today(**changes):
    properties = {"data": timezone.localdate().isoformat(), **changes.pop("properties", {})}
    return order_data(properties=properties, **changes)


def plain(content):
    text = html.unescape(re.sub(r"<[^>]+>", "", content.decode() if isinstance(content, bytes) else content))
    return " ".join(text.split())


def change_url(order):
    return f"{LIST}{order.pk}/change/"


def part(content, start, end):
    """Return the part of a page from `start` to `end`, as plain text."""
    found = re.search(rf"{start}.*?{end}", content.decode(), re.DOTALL)
    assert found, start
    return plain(found[0])


def surfaces(staff, order):
    """Return what each page, paper, message and file says of the sum and the payment of the order, as plain text."""
    courier = Courier.objects.get_or_create(name="Ерлан")[0]
    Order.objects.filter(pk=order.pk).update(courier=courier)
    (printed,) = orders_to_print(Order.objects.all(), [order.pk])
    (sheet,) = route_of([printed])
    response = staff.get(LIST, {"preset": "all"})
    user = response.wsgi_request.user
    exported = b"".join(staff.get(f"{LIST}export/", {"format": "csv", "preset": "all"}))
    with translation.override("ru"):
        return {
            "list": part(response.content, '<td class="c-amount', "</td>"),
            "page": part(staff.get(change_url(order)).content, 'id="block-money"', "</p>"),
            "customer": part(
                staff.get(f"/crm/orders/customer/{order.customer_id}/change/").content, "№&nbsp;122183", "</li>"
            ),
            "couriers": part(staff.get("/crm/orders/courier/").content, "Ерлан", "</tr>"),
            "route": part(staff.get(f"/crm/orders/courier/{courier.pk}/route/").content, 'class="crm-pay', "</p>"),
            "short": plain(short_text(printed)),
            "full": plain(full_text(printed)),
            "route text": plain(route_text(sheet)),
            "paper": pdf_text(route_sheets([sheet], A4, user)),
            "telegram": plain(texts.new_order(texts.OrderFacts(order=printed, items=list(printed.items.all())))),
            "file": plain(exported),
        }


PAYMENT = ("list", "page", "route", "short", "full", "paper", "telegram", "file")
"""The surfaces that name the state of the payment."""
SUM = ("list", "page", "customer", "telegram", "file")
"""The surfaces that name the sum of the order."""


@pytest.mark.parametrize("price", [..., "", None, "договорная", "12 990 USD", "-9000", "12.990"])
def test_unknown_sum_is_nowhere_a_sum_and_nowhere_paid(post_webhook, staff, price):
    post_webhook("order.create", today(PRICE=price))
    order = Order.objects.get()
    typed = price if isinstance(price, str) else ""
    assert order.unknown_values == {"total_amount": typed}
    seen = surfaces(staff, order)
    for name, text in seen.items():
        assert not re.search(r"(?<![0-9] )\b0 ₸", text), name
        assert not re.search(r"(?<!не )\bоплачен\b", text.casefold()), name
    for name in SUM:
        assert (f"неизвестно: «{typed}»" if typed else "неизвестно") in seen[name], name
    for name in ("short", "full", "route text"):
        assert "скажет диспетчер" in seen[name] or "неизвестная сумма" in seen[name], name
    assert "сумма неизвестна" in seen["route"]
    assert "сумма неизвестна" in seen["paper"]
    assert "1 неизвестная сумма" in seen["route text"]
    assert "1 сумма неизвестна или не в ₸" in seen["couriers"]
    day, customer = metrics(timezone.localdate()).today, customer_orders_of(order)
    assert (day.orders, day.amount, day.average, customer.count, customer.total) == (1, 0, None, 1, 0)
    assert "уточнить: сумма" in plain(staff.get(LIST, {"preset": "all"}).content)
    assert "Уточните и введите: сумма — неизвестно" in plain(staff.get(change_url(order)).content)


def test_text_of_the_site_is_escaped(post_webhook, staff):
    post_webhook("order.create", today(PRICE="<script>договорная</script>"))
    order = Order.objects.get()
    for page in (staff.get(LIST, {"preset": "all"}), staff.get(change_url(order))):
        assert "<script>договорная" not in page.content.decode()


def test_sum_that_staff_enter_is_known_and_sent(post_webhook, staff):
    data = today(PRICE="договорная", PRICE_DELIVERY="1500", basket=...)
    post_webhook("order.create", data)
    order = Order.objects.get()
    form = read_form(staff.get(change_url(order)).content.decode(), "order_form")
    assert form["total_amount"] == ""
    staff.post(change_url(order), {**form, "total_amount": "12990"})
    order.refresh_from_db()
    assert (order.total_amount, order.unknown_values) == (12990, {})
    assert Push.objects.filter(order=order).exists()
    entry = order.events.first()
    assert {"field": "total_amount", "old": None, "new": "12990.00"} in entry.changes
    post_webhook("order.update", next_version(data))
    order.refresh_from_db()
    assert (order.total_amount, order.unknown_values) == (12990, {})


def test_saving_the_page_unchanged_leaves_values_unknown(post_webhook, staff):
    post_webhook("order.create", today(PRICE="договорная", PAYED="может быть", PRICE_DELIVERY=...))
    order = Order.objects.get()
    events = order.events.count()
    form = read_form(staff.get(change_url(order)).content.decode(), "order_form")
    assert (form["total_amount"], form["payment_status"], form["delivery_fee"]) == ("", "", "")
    assert staff.post(change_url(order), form).status_code == 302
    order.refresh_from_db()
    assert order.unknown_values == {"total_amount": "договорная", "payment_status": "может быть", "delivery_fee": ""}
    assert order.events.count() == events


def test_zero_entered_for_an_unknown_fee_is_an_answer(post_webhook, staff):
    post_webhook("order.create", today(PRICE_DELIVERY="по тарифу"))
    order = Order.objects.get()
    assert "неизвестно: «по тарифу»" in surfaces(staff, order)["telegram"]
    form = read_form(staff.get(change_url(order)).content.decode(), "order_form")
    staff.post(change_url(order), {**form, "delivery_fee": "0"})
    order.refresh_from_db()
    assert (order.delivery_fee, order.total_amount, order.unknown_values) == (0, 9000, {})


def test_changed_items_ask_for_an_unknown_fee(post_webhook):
    post_webhook("order.create", today(PRICE_DELIVERY=...))
    order = Order.objects.get()
    with pytest.raises(services.NotAllowedError):
        services.edit_order(order_id=order.pk, changes={"discount_amount": 500}, actor=None)
    order.refresh_from_db()
    assert (order.total_amount, order.discount_amount, order.unknown_values) == (9000, 0, {"delivery_fee": ""})


def test_readable_value_of_the_site_ends_the_unknown_one(post_webhook):
    data = today(PRICE="договорная")
    post_webhook("order.create", data)
    post_webhook("order.update", next_version(data, PRICE="KZT 12 990"))
    order = Order.objects.get()
    assert (order.total_amount, order.unknown_values) == (12990, {})
    changes = [change for event in order.events.all() for change in event.changes]
    assert {"field": "total_amount", "old": None, "new": "12990.00"} in changes


def test_sum_that_becomes_unreadable_is_unknown_and_an_absent_one_stays(post_webhook):
    data = today()
    post_webhook("order.create", data)
    absent = next_version(data)
    del absent["PRICE"]
    post_webhook("order.update", absent)
    assert Order.objects.get().unknown_values == {}
    post_webhook("order.update", next_version(absent, PRICE="уточняется"))
    assert Order.objects.get().unknown_values == {"total_amount": "уточняется"}


def test_order_without_payed_is_neither_paid_nor_unpaid(post_webhook, staff):
    post_webhook("order.create", today(PAYED=...))
    seen = surfaces(staff, Order.objects.get())
    for name in PAYMENT:
        assert "оплата неизвестна" in seen[name].casefold(), name


def test_returned_payment_is_refunded_everywhere(post_webhook, staff):
    data = today(PAYED="Y", SUM_PAID="9000")
    post_webhook("order.create", data)
    returned = {"ID": "77", "PAY_SYSTEM_ID": "1", "SUM": "9000", "PAID": "N", "IS_RETURN": "P"}
    data = next_version(data, PAYED="N", SUM_PAID="0", payments=[returned])
    for _time in range(2):
        post_webhook("order.update", data)
        data = next_version(data)
    order = Order.objects.get()
    assert (order.payment_status, order.sync_state) == ("refunded", "synced")
    seen = surfaces(staff, order)
    for name in PAYMENT:
        assert "деньги возвращены" in seen[name].casefold(), name
        assert "не оплачен" not in seen[name].casefold(), name
    assert order.events.count() == 2


def test_sum_in_another_currency_is_shown_in_it_and_not_counted(post_webhook, staff):
    post_webhook("order.create", today(PRICE="50", CURRENCY="USD", PRICE_DELIVERY="5"))
    seen = surfaces(staff, Order.objects.get())
    for name in (*SUM, *PAYMENT, "route text"):
        assert "50 USD" in seen[name], name
    assert "50 ₸" not in " ".join(seen.values())
    assert metrics(timezone.localdate()).today.amount == 0


@pytest.mark.parametrize(
    ("properties", "payments", "method"),
    [
        ({}, {"PAY_SYSTEM_ID": "12"}, ""),
        ({"kaspiPhone": "+77010000001"}, {"PAY_SYSTEM_ID": "12"}, "kaspi"),
        ({"METHOD_PAY": "Kaspi перевод"}, {}, ""),
        ({"METHOD_PAY": "Каспи"}, {}, "kaspi"),
        ({"METHOD_PAY": "безналичный расчёт"}, {"PAY_SYSTEM_ID": "12"}, ""),
        ({"METHOD_PAY": "1"}, {"PAY_SYSTEM_ID": "12"}, "cash"),
        ({"METHOD_PAY": "картой курьеру"}, {"PAY_SYSTEM_ID": ""}, "card"),
        ({"METHOD_PAY": "картой курьеру"}, {"PAY_SYSTEM_ID": "1"}, "cash"),
    ],
)
def test_unmapped_pay_system_is_not_cash(post_webhook, staff, settings, properties, payments, method):
    settings.BITRIX_PAY_SYSTEMS = {1: "cash"}
    payments = payments or {"PAY_SYSTEM_ID": ...}
    post_webhook("order.create", today(properties=properties, **payments))
    order = Order.objects.get()
    assert order.payment_method == method
    if not method:
        seen = surfaces(staff, order)
        for name in set(PAYMENT) - {"file"}:
            assert "не оплачен, способ неизвестен" in seen[name].casefold(), name
        assert "наличные" not in " ".join(seen.values()).casefold()


def test_pay_system_that_becomes_unmapped_makes_the_method_unknown(post_webhook, staff):
    data = today()
    post_webhook("order.create", data)
    assert Order.objects.get().payment_method == "cash"
    payment = {"ID": "1", "PAY_SYSTEM_ID": "12", "PAY_SYSTEM_NAME": "Kaspi Red", "PAID": "N"}
    post_webhook("order.update", next_version(data, PAY_SYSTEM_ID="12", payments=[payment]))
    order = Order.objects.get()
    assert order.unknown_values == {"payment_method": "№ 12"}
    assert "не оплачен, способ неизвестен: «Kaspi Red»" in surfaces(staff, order)["list"]
    services.edit_order(order_id=order.pk, changes={"payment_method": "kaspi"}, actor=None)
    order.refresh_from_db()
    assert (order.payment_method, order.unknown_values) == ("kaspi", {})


@pytest.mark.parametrize(
    ("when", "hour"),
    [
        ("Доставка ко времени 15:30", "15:30"),
        ("Как можно скорее, мы очень ждём этот букет", None),
        ("до 15:00", "15:00"),
    ],
)
def test_typed_slot_keeps_its_words_and_its_hour(post_webhook, staff, when, hour):
    post_webhook("order.create", today(properties={"when": when}))
    order = Order.objects.get()
    assert (order.delivery_slot.name, order.delivery_slot_id) == (when, when)
    assert when in plain(staff.get(LIST, {"preset": "all"}).content)
    assert when in plain(staff.get(change_url(order)).content)
    (printed,) = orders_to_print(Order.objects.all(), [order.pk])
    assert when in full_text(printed)
    assert when in texts.new_order(texts.OrderFacts(order=printed, items=[]))
    due = timezone.localtime(due_at(printed))
    assert (f"{due:%H:%M}", due.date()) == (hour or "23:59", timezone.localdate())


def test_unreadable_date_is_shown_as_typed_and_asked_about(post_webhook, staff):
    post_webhook("order.create", today(properties={"data": "после дождичка"}))
    order = Order.objects.get()
    assert order.delivery_date is None
    assert "неизвестно: «после дождичка»" in plain(staff.get(change_url(order)).content)
    assert "уточнить: дата доставки" in plain(staff.get(LIST, {"preset": "all"}).content)


def test_receipt_is_shown_beside_the_payment(post_webhook, staff):
    post_webhook("order.create", today(properties={"CHECK_NUMBER": "QR-778"}))
    assert "чек № QR-778" in plain(staff.get(change_url(Order.objects.get())).content)


def test_preset_lists_orders_with_something_to_ask(post_webhook, staff):
    post_webhook("order.create", today(PRICE="договорная"))
    post_webhook("order.create", today(ID="5", ACCOUNT_NUMBER="5", PAY_SYSTEM_ID="12"))
    page = staff.get(LIST, {"preset": "unknown"}).content.decode()
    assert re.findall(r">№\xa0(\d+)", page) == ["122183"]


def test_unknown_sum_is_hidden_from_who_may_not_see_prices(post_webhook):
    later = timezone.localdate() + timedelta(days=3)
    post_webhook("order.create", order_data(PRICE="тайна 777", properties={"data": later.isoformat()}))
    florist = browser_of(person(FLORIST))
    for url in (change_url(Order.objects.get()), f"{LIST}?preset=all"):
        page = florist.get(url)
        assert page.status_code == 200
        assert re.search(r"\b777\b", page.content.decode()) is None
