"""Tests of the log of who has seen whose phone, and of its page."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER, OWNER
from orders.models import PhoneLook
from orders.services import phone_looks
from tests.orders.admin.conftest import LIST, change_url
from tests.roles import browser_of, person

CUSTOMERS = reverse("admin:orders_customer_changelist")
LOOKS = reverse("admin:orders_phonelook_changelist")


def export(browser):
    answer = browser.get(f"{LIST}export/", {"format": "csv", "preset": "all"})
    assert b"122183" in b"".join(answer)


def recorded(*columns):
    return list(
        PhoneLook.objects.order_by("created_at", "kind").values_list(*(columns or ("kind", "subject", "looks")))
    )


def test_pages_of_an_order_and_of_a_customer_are_recorded_once_a_day_with_a_count(make_order):
    order, user = make_order(), person(MANAGER)
    browser = browser_of(user)
    for _ in range(3):
        browser.get(change_url(order))
    browser.get(reverse("admin:orders_customer_change", args=[order.customer_id]))
    found = recorded("user", "kind", "order", "customer", "looks")
    assert found == [(user.pk, "order", order.pk, None, 3), (user.pk, "customer", None, order.customer_id, 1)]
    PhoneLook.objects.update(day=timezone.localdate() - timedelta(days=1))
    browser.get(change_url(order))
    assert PhoneLook.objects.filter(kind="order").count() == 2


@pytest.mark.parametrize("role", [FLORIST, ACCOUNTANT], ids=lambda role: role.name)
def test_users_who_see_no_phones_leave_no_record(make_order, role):
    order, browser = make_order(), browser_of(person(role))
    for page in (change_url(order), LIST, f"{LIST}?q=5678", reverse("admin:orders_customer_change", args=[order.pk])):
        browser.get(page)
    assert recorded() == []


@pytest.mark.parametrize(
    ("typed", "subject"),
    [("+7 (777) 123-45-67", "•••67"), ("4567", "•••67"), ("87771234567", "•••67"), ("122183", ""), ("Айгерим", ""),
     ("Абая 1500000", ""), ("", "")],
)  # fmt: skip
def test_search_by_phone_is_recorded_without_the_phone(make_order, typed, subject):
    make_order()
    browser_of(person(DISPATCHER)).get(LIST, {"q": typed})
    assert recorded() == ([("search", subject, 1)] if subject else [])


def test_first_page_of_orders_is_not_recorded_but_others_and_customers_are(make_order):
    make_order()
    browser = browser_of(person(MANAGER))
    browser.get(LIST)
    browser.get(LIST, {"p": "1"})
    assert recorded() == []
    for page in (f"{LIST}?p=2", f"{LIST}?p=3", CUSTOMERS):
        browser.get(page)
    assert recorded() == [("list", "orders", 2), ("list", "customers", 1)]


def test_file_is_recorded_if_it_contains_phones(make_order):
    make_order()
    browser = browser_of(person(MANAGER))
    export(browser)
    ((kind, subject, looks),) = recorded()
    assert (kind, looks) == ("export", 1)
    owner = browser_of(person(OWNER))
    assert reverse("admin:orders_exportrun_change", args=[subject]) in owner.get(LOOKS).content.decode()
    accountant = browser_of(person(ACCOUNTANT))
    export(accountant)
    assert len(recorded()) == 1


def test_record_is_one_statement(make_order, django_assert_num_queries):
    order, user = make_order(), person(MANAGER)
    user.get_all_permissions()
    for _ in range(2):
        with django_assert_num_queries(1):
            phone_looks.record_look(user, PhoneLook.Kind.ORDER, order=order.pk)


def test_owner_reads_who_has_seen_whose_phone(make_order, django_assert_max_num_queries):
    order = make_order()
    aigul, olga = person(MANAGER, "aigul"), person(DISPATCHER, "olga")
    browser_of(aigul).get(change_url(order))
    browser_of(olga).get(LIST, {"q": "9999"})
    browser = browser_of(person(OWNER, "boss"))
    browser.get(LOOKS)
    with django_assert_max_num_queries(14):
        html = browser.get(LOOKS).content.decode()
    assert "aigul" in html
    assert "olga" in html
    assert "№ 122183 · Айгерим" in html
    assert "•••99" in html
    for typed in ("Айгерим", "122183", "8 777 123 45 67"):
        html = browser.get(LOOKS, {"q": typed}).content.decode()
        assert ("№ 122183" in html, "•••99" in html) == (True, False), typed
    assert "№ 122183" not in browser.get(LOOKS, {"user__id__exact": olga.pk}).content.decode()
    assert "•••99" not in browser.get(LOOKS, {"kind__exact": "order"}).content.decode()
    assert "№ 122183" not in browser.get(LOOKS, {"day_on": "01.02.2020"}).content.decode()


def test_no_one_changes_the_log(make_order, browser):
    browser.get(change_url(make_order()))
    look = PhoneLook.objects.get()
    page = reverse("admin:orders_phonelook_change", args=[look.pk])
    assert browser.post(page, {"looks": "0"}).status_code == 403
    assert browser.post(reverse("admin:orders_phonelook_delete", args=[look.pk])).status_code == 403
    assert browser_of(person(MANAGER)).get(LOOKS).status_code == 403


def test_old_records_are_deleted(make_order, browser, settings):
    browser.get(change_url(make_order()))
    settings.KEEP_LOOKS_DAYS = 30
    PhoneLook.objects.update(last_at=timezone.now() - timedelta(days=29))
    assert (phone_looks.prune(), PhoneLook.objects.count()) == (0, 1)
    PhoneLook.objects.update(last_at=timezone.now() - timedelta(days=31))
    settings.KEEP_LOOKS_DAYS = 0
    assert phone_looks.prune() == 0
    settings.KEEP_LOOKS_DAYS = 30
    assert (phone_looks.prune(), PhoneLook.objects.count()) == (1, 0)
