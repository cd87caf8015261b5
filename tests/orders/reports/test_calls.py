"""Tests of the page of customers to call: its lists, the record of calls, the reminders, and who may use it."""

import re
from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from cvety_crm.roles import ACCOUNTANT, FLORIST, MANAGER
from orders import services
from orders.export.files import open_export
from orders.export.request import ExportRequest
from orders.models import Customer, CustomerCall, MessageTemplate, Order
from orders.selectors import calls
from orders.services import NotAllowedError
from orders.services.customer_totals import renew_all_totals
from tests.roles import browser_of, everything_but, person

pytestmark = pytest.mark.django_db
PAGE = "/crm/reports/calls/"
TODAY = date(2026, 3, 5)


def order_of(customer, day, **more):
    at = timezone.make_aware(datetime.combine(day, time(12)))
    number = str(Order.objects.count() + 1)
    given = {"status_id": "finished", "delivery_date": day, "created_at": at, "total_amount": 9000, **more}
    return Order.objects.create(order_number=number, customer=customer, **given)


def customer(name, **more):
    return Customer.objects.create(name=name, phone=f"+7701{Customer.objects.count():07}", **more)


def names(rows):
    return [getattr(row, "customer", row).name for row in rows]


@pytest.fixture
def staff(client, manager):
    client.force_login(manager)
    return client


def rows_of(client, query=""):
    page = client.get(f"{PAGE}{query}").content.decode()
    return re.findall(r'<h3><a class="crm-link" href="[^"]+">([^<]+)<', page)


def test_customers_without_an_order_for_some_days_are_listed_by_their_sum():
    today = timezone.localdate()
    for name, days, amount in (("Новый", 10, 90000), ("Давний", 100, 5000), ("Щедрый", 61, 70000)):
        order_of(customer(name), today - timedelta(days=days), total_amount=amount)
    order_of(customer("Отменил"), today - timedelta(days=100), is_cancelled=True)
    merged = customer("Слитый")
    order_of(merged, today - timedelta(days=100))
    renew_all_totals()
    Customer.objects.filter(pk=merged.pk).update(merged_into=Customer.objects.get(name="Давний"))
    assert names(calls.customers_away(60)) == ["Щедрый", "Давний"]
    assert names(calls.customers_away(90)) == ["Давний"]


@pytest.mark.parametrize(
    ("today", "days", "expected"),
    [
        (TODAY, 0, ["Сегодня"]),
        (TODAY, 7, ["Сегодня", "Скоро"]),
        (date(2026, 12, 28), 7, ["Сильвестр", "Январь"]),
        (date(2026, 2, 27), 1, ["Високосный"]),
        (date(2028, 2, 28), 0, []),
        (date(2028, 2, 29), 0, ["Високосный"]),
    ],
)
def test_birthdays_are_found_also_over_the_end_of_the_year(today, days, expected):
    for name, day in (
        ("Сегодня", date(1990, 3, 5)), ("Скоро", date(1900, 3, 12)), ("Вчера", date(1990, 3, 4)),
        ("Январь", date(1985, 1, 2)), ("Сильвестр", date(1985, 12, 31)), ("Високосный", date(1992, 2, 29)),
        ("Неизвестен", None),
    ):  # fmt: skip
        customer(name, birthday=day)
    assert names(calls.birthdays(days, today)) == expected


def test_orders_of_last_year_are_listed_unless_the_customer_has_one_for_this_year():
    for name, day in (("Рано", date(2025, 3, 1)), ("Три дня", date(2025, 3, 2)), ("Марта", date(2025, 3, 8)),
                      ("Позже", date(2025, 3, 13))):  # fmt: skip
        order_of(customer(name), day)
    again = customer("Уже заказал")
    order_of(again, date(2025, 3, 8))
    order_of(again, date(2026, 3, 7))
    only_cancelled = customer("Отменил в этом году")
    order_of(only_cancelled, date(2025, 3, 9))
    order_of(only_cancelled, date(2026, 3, 9), is_cancelled=True)
    order_of(customer("Отменил тогда"), date(2025, 3, 8), is_cancelled=True)
    assert names(calls.orders_of_last_year(7, TODAY)) == ["Три дня", "Марта", "Отменил в этом году"]


def test_page_shows_the_order_and_the_card_of_last_year(staff):
    day = timezone.localdate() - timedelta(days=365)
    order_of(customer("Айгерим"), day, recipient_name="Мама", postcard_text="С днём\nрождения, мама!")
    page = staff.get(f"{PAGE}?by=year").content.decode()
    assert "→ Мама" in page
    assert "💌 С днём рождения, мама!" in page
    assert f"/crm/orders/order/add/?from={Order.objects.get().pk}" in page


def test_call_is_recorded_once_and_can_be_undone(staff, manager):
    one = customer("Айгерим", birthday=timezone.localdate())
    staff.post(f"{PAGE}{one.pk}/record/", {"reason": "birthday", "note": " просила\nв мае "})
    call = CustomerCall.objects.get()
    assert (call.customer, call.reason, call.note, call.caller) == (one, "birthday", "просила в мае", manager)
    assert "просила в мае" in staff.get(f"{PAGE}?by=birthday").content.decode()
    assert rows_of(staff, "?by=birthday&open=yes") == []
    other = browser_of(person(MANAGER))
    refused = other.post(f"{PAGE}{one.pk}/record/", {"reason": "away"}, follow=True).content.decode()
    assert "Уже звонили: " in refused
    assert CustomerCall.objects.count() == 1
    other.post(f"{PAGE}{call.pk}/undo/")
    assert rows_of(staff, "?by=birthday&open=yes") == ["Айгерим"]
    staff.post(f"{PAGE}{one.pk}/record/", {"reason": "away"})
    assert CustomerCall.objects.filter(undone_at=None).count() == 1


def test_old_call_counts_no_more(staff):
    one = customer("Айгерим", birthday=timezone.localdate())
    old = services.record_call(customer_id=one.pk, reason="birthday", actor=None)
    CustomerCall.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert rows_of(staff, "?by=birthday&open=yes") == ["Айгерим"]


@pytest.mark.parametrize("given", [{"reason": "none"}, {"reason": "away", "note": "я" * 501}], ids=["reason", "note"])
def test_refused_call_leaves_no_trace(given):
    with pytest.raises(NotAllowedError):
        services.record_call(customer_id=customer("Айгерим").pk, actor=None, **given)
    assert not CustomerCall.objects.exists()


def test_reminder_is_offered_for_the_call_and_not_for_an_order(staff):
    MessageTemplate.objects.exclude(purpose="call").delete()
    order = order_of(customer("Айгерим"), timezone.localdate() - timedelta(days=365), recipient_name="Мария")
    page = staff.get(f"{PAGE}{order.pk}/messages/?by=year").content.decode()
    assert "wa.me/77010000000?text=" in page
    assert "Здравствуйте, Айгерим! Год назад" in page
    assert "получатель — Мария" in page
    assert "Год назад" not in staff.get(f"/crm/orders/order/{order.pk}/change/").content.decode()
    key = MessageTemplate.objects.get(name="Год назад").pk
    url = f"/crm/orders/order/{order.pk}/messages/{key}/"
    assert url in page
    assert staff.post(url, {"language": "ru", "channel": "whatsapp"}).status_code == 200
    assert order.events.filter(kind="message").exists()


def test_user_without_phones_sees_no_number_and_no_reminder():
    order = order_of(customer("Айгерим"), timezone.localdate() - timedelta(days=365))
    client = browser_of(everything_but("view_phones"))
    page = client.get(f"{PAGE}?by=year").content.decode()
    assert "0000000" not in page
    assert "tel:" not in page
    assert client.get(f"{PAGE}{order.pk}/messages/").status_code == 403


def test_accountant_reads_and_others_may_do_nothing():
    one = customer("Айгерим")
    call = services.record_call(customer_id=one.pk, reason="away", actor=None)
    accountant, florist = browser_of(person(ACCOUNTANT)), browser_of(person(FLORIST))
    assert accountant.get(PAGE).status_code == 200
    assert florist.get(PAGE).status_code == 403
    for client in (accountant, florist):
        for path in (f"{one.pk}/record/", f"{call.pk}/undo/"):
            assert client.post(f"{PAGE}{path}", {"reason": "away"}).status_code == 403
            assert client.get(f"{PAGE}{path}").status_code in (403, 405)
    assert CustomerCall.objects.get().undone_at is None
    assert browser_of(everything_but("view_customer", "change_customer")).get(PAGE).status_code == 403


@pytest.mark.parametrize("query", ["by=none&days=x&page=-1", "days=99999999999", "by=birthday&days=99999", "page=x"])
def test_bad_choices_show_a_list(staff, query):
    assert staff.get(f"{PAGE}?{query}").status_code == 200
    assert staff.post(f"{PAGE}00000000-0000-0000-0000-000000000000/record/", {"reason": "away"}).status_code == 404


@pytest.mark.parametrize("by", ["away", "birthday", "year"])
def test_number_of_queries_and_the_size_do_not_depend_on_the_customers(staff, by, django_assert_max_num_queries):
    day = timezone.localdate() - timedelta(days=365)
    counts = []
    for number in (3, 57):
        people = [
            Customer(name=f"{number}-{n}", phone=f"+7702{number:03}{n:04}", birthday=timezone.localdate())
            for n in range(number)
        ]
        Customer.objects.bulk_create(people)
        Order.objects.bulk_create(
            Order(order_number=f"{number}-{n}", status_id="finished", delivery_date=day, customer=one,
                  recipient_name="Мария", created_at=timezone.now() - timedelta(days=365),
                  postcard_text="С днём рождения! " * 30)
            for n, one in enumerate(people)
        )  # fmt: skip
        renew_all_totals()
        staff.get(f"{PAGE}?by={by}")
        with django_assert_max_num_queries(20) as queries:
            response = staff.get(f"{PAGE}?by={by}")
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts
    assert len(re.findall("<h3>", response.content.decode())) == 50
    assert len(response.content) < 150_000


def exported(user, table, parameters=""):
    """Return the rows of a file, each as a dictionary by the keys of the columns."""
    export = open_export(ExportRequest(table, "csv", parameters, (), user.pk))
    keys = [column.key for column in export.columns]
    return [dict(zip(keys, row, strict=True)) for block in export.blocks() for row in zip(*block, strict=True)]


def test_file_has_the_customers_of_the_page(staff, manager):
    today = timezone.localdate()
    old, other = customer("Давний"), customer("Щедрый")
    last = order_of(old, today - timedelta(days=100), recipient_name="Мария")
    order_of(other, today - timedelta(days=70), total_amount=70000)
    renew_all_totals()
    services.record_call(customer_id=other.pk, reason="away", note="Перезвонить", actor=manager)
    called, first = exported(manager, "calls_away", "by=away&days=60")
    assert (called["name"], called["sum"], called["note"]) == ("Щедрый", 70000, "Перезвонить")
    assert (first["name"], first["number"], first["day"], first["recipient"]) == (
        "Давний", last.order_number, last.delivery_date, "Мария",
    )  # fmt: skip
    assert (first["phone"], first["called"]) == (old.phone, None)
    assert [row["name"] for row in exported(manager, "calls_away", "days=60&open=yes")] == ["Давний"]
    assert [row["name"] for row in exported(manager, "calls_away", "days=90")] == rows_of(staff, "?days=90")
    reader = everything_but("view_phones", "view_all_prices")
    assert {(row["phone"][:3], row["sum"]) for row in exported(reader, "calls_away")} == {("•••", None)}
    assert "table=calls_away&amp;query=days%3D90" in staff.get(f"{PAGE}?days=90").content.decode()


def test_file_of_last_year_and_birthdays(manager):
    today = timezone.localdate()
    old = customer("Именинник", birthday=today.replace(year=1992))  # a leap year
    order = order_of(old, today - timedelta(days=365))
    (row,) = exported(manager, "calls_year", "days=7")
    assert (row["name"], row["number"]) == ("Именинник", order.order_number)
    (row,) = exported(manager, "calls_birthday", "days=0")
    assert row["birthday"] == f"{today:%d.%m}"
