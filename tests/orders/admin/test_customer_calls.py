"""Tests of the calls on the page of a customer."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cvety_crm.roles import FLORIST, MANAGER
from orders import services
from orders.models import Customer, CustomerCall
from orders.selectors.calls import calls_of
from tests.roles import browser_of, everything_but, person

pytestmark = pytest.mark.django_db
TITLE = '<h2 class="crm-title" id="calls-title">'


@pytest.fixture
def aigerim():
    return Customer.objects.create(name="Айгерим", phone="+77771234567")


@pytest.fixture
def caller():
    return person(MANAGER, "zhanar")


def page_of(customer):
    return reverse("admin:orders_customer_change", args=[customer.pk])


def block(browser, customer):
    """Return the block with the calls, or an empty string if the page has none."""
    return browser.get(page_of(customer)).content.decode().partition(TITLE)[2].partition("</section>")[0]


def call(customer, actor, note="", days=0, reason="away"):
    made = CustomerCall.objects.create(customer=customer, caller=actor, note=note, reason=reason)
    CustomerCall.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=days))
    return made


def test_calls_are_listed_with_the_newest_first(aigerim, caller):
    browser = browser_of(caller)
    assert "Звонков ещё не было." in block(browser, aigerim)
    old = call(aigerim, None, "Просила не звонить до марта", days=400, reason="birthday")
    new = call(aigerim, caller, "Закажет в пятницу")
    call(Customer.objects.create(name="Другая"), caller, "Чужой звонок")

    found = block(browser, aigerim)

    assert found.index("Закажет в пятницу") < found.index("Просила не звонить")
    assert "Чужой звонок" not in found
    for text in ("zhanar", "кто-то", "давно не заказывали", "день рождения"):
        assert text in found, text
    assert [str(new.pk) in found, str(old.pk) in found] == [True, False], "only a recent call can be undone"


def test_calls_to_a_merged_customer_are_shown(aigerim, caller):
    merged = Customer.objects.create(name="Айгерим А.", merged_into=aigerim)
    call(merged, caller, "До слияния")

    assert "До слияния" in block(browser_of(caller), aigerim)


def test_call_is_undone_on_the_page(aigerim, caller):
    browser, made = browser_of(caller), services.record_call(customer_id=aigerim.pk, reason="away", actor=caller)
    (url,) = re.findall(r'action="([^"]+/undo/)"', block(browser, aigerim))

    response = browser.post(url, {"next": page_of(aigerim)}, follow=True)

    assert response.redirect_chain == [(page_of(aigerim), 302)]
    assert "считается, что клиенту не звонили" in response.content.decode()
    assert "Звонков ещё не было." in block(browser, aigerim)
    made.refresh_from_db()
    assert made.undone_at is not None


def test_others_see_no_calls_and_undo_none(aigerim, caller):
    made = call(aigerim, caller, "Звонить +7 701 555-44-33")
    reader = browser_of(everything_but("add_customercall", "view_phones"))
    florist = browser_of(person(FLORIST))

    assert "undo" not in block(reader, aigerim)
    assert "Звонить •••" in block(reader, aigerim)
    assert block(browser_of(everything_but("view_customercall")), aigerim) == ""
    for other in (reader, florist):
        assert other.post(reverse("calls_undo", args=[made.pk])).status_code == 403
    made.refresh_from_db()
    assert made.undone_at is None


def test_many_calls_take_one_query_and_the_oldest_are_left_out(aigerim, caller, django_assert_num_queries):
    for number in range(31):
        call(aigerim, caller, f"Звонок {number}.", days=number * 40)

    with django_assert_num_queries(1):
        assert [str(one.caller) for one in calls_of(aigerim)] == ["zhanar"] * 31
    found = block(browser_of(caller), aigerim)
    assert "Звонок 29." in found
    assert "Звонок 30." not in found
    assert "Показаны последние 30 звонков." in found
