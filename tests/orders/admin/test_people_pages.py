"""Tests of the pages on which staff merge and part customers and give an order to another person."""

import re
from html import unescape

import pytest
from django.urls import reverse

from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER, OWNER
from orders import services
from orders.models import Customer, EventKind, Order
from tests import roles
from tests.orders.admin.conftest import LIST, change_url

pytestmark = pytest.mark.django_db

P1, P2 = "+77771234567", "+77010000001"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def orders(make_order):
    """Return an order of a customer, and an order of another customer with the same phone."""
    return [
        make_order(
            number, USER_ID="3", user={"EXTERNAL_AUTH_ID": "saleanonymous", "ID": "3"}, properties={"name": name}
        )
        for number, name in [(1, "Айгерим"), (2, "Данияр")]
    ]


def page_of(name, *keys):
    return reverse(f"admin:orders_{name}", args=keys)


def text_of(answer):
    assert answer.status_code == 200
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


class TestOtherPerson:
    def test_order_page_offers_it_and_hints_at_similar_customers(self, browser, orders):
        text = text_of(browser.get(change_url(orders[0])))
        assert "Это другой человек" in text
        assert "Возможно, тот же человек" in text
        assert "тот же телефон" in text

    def test_search_finds_customers_and_post_gives_the_order(self, browser, orders):
        order, other = orders[0], orders[1].customer
        page = page_of("order_other_customer", order.pk)
        text = text_of(browser.get(page, {"q": "дан"}))
        assert "Данияр" in text
        answer = browser.post(page_of("order_set_customer", order.pk), {"customer": str(other.pk)}, follow=True)
        assert "Заказ теперь у клиента «Данияр»" in text_of(answer)
        assert "В заказе указано: Айгерим" in text_of(answer)
        order.refresh_from_db()
        assert (order.customer, order.contact_name) == (other, "Айгерим")
        assert "Это другой человек" in text_of(browser.get(f"{change_url(order)}?timeline=all"))
        assert "Заказ клиента «Айгерим» отдан клиенту «Данияр»" in text_of(
            browser.get(page_of("customer_change", other.pk))
        )

    def test_new_customer_is_created(self, browser, orders):
        given = {"name": "Асель", "phone": "8 702 000 00 02"}
        browser.post(page_of("order_set_customer", orders[0].pk), given)
        customer = Order.objects.get(pk=orders[0].pk).customer
        assert (customer.name, customer.phone) == ("Асель", "+77020000002")

    @pytest.mark.parametrize("given", [{}, {"customer": "x"}, {"customer": UNKNOWN}, {"name": "А", "phone": "1"}])
    def test_invalid_choice_is_refused_with_a_message(self, browser, orders, given):
        answer = browser.post(page_of("order_set_customer", orders[0].pk), given, follow=True)
        assert answer.redirect_chain[-1][0].startswith(page_of("order_other_customer", orders[0].pk))
        assert Order.objects.get(pk=orders[0].pk).customer.name == "Айгерим"
        assert not orders[0].events.filter(kind=EventKind.CUSTOMER).exists()

    def test_customer_that_is_chosen_in_the_form_is_recorded_too(self, save, orders):
        save(orders[0], customer=str(orders[1].customer_id))
        order = Order.objects.get(pk=orders[0].pk)
        assert (order.customer_id, order.contact_name) == (orders[1].customer_id, "Айгерим")
        assert orders[1].customer.changes_of_others.get().order == order


class TestMerging:
    def test_customers_are_merged_and_parted(self, browser, orders):
        one, other = orders[0].customer, orders[1].customer
        text = text_of(browser.get(page_of("customer_merge_with", one.pk), {"q": "Данияр"}))
        assert "Данияр" in text
        answer = browser.post(page_of("customer_merge", one.pk), {"other": str(other.pk)}, follow=True)
        text = text_of(answer)
        assert "Клиенты объединены: добавлен 1 заказ" in text
        assert "Присоединены к этому клиенту" in text
        merged = text_of(browser.get(page_of("customer_change", other.pk)))
        assert "Объединён с клиентом" in merged
        assert "Клиенты объединены" in text_of(browser.get(change_url(orders[1])))
        answer = browser.post(page_of("customer_part", other.pk), follow=True)
        assert "Клиенты разделены: вернулся 1 заказ" in text_of(answer)
        assert Order.objects.get(pk=orders[1].pk).customer == other

    def test_merged_customer_is_found_through_the_kept_one(self, browser, orders, manager):
        one, other = orders[0].customer, Customer.objects.create(name="Жанар", phone=P2)
        services.merge_customers(kept_id=one.pk, merged_id=other.pk, actor=manager)
        found = browser.get(page_of("customer_changelist"), {"q": "701 000 00 01"}).context_data["cl"].result_list
        assert list(found) == [one]
        suggestions = browser.get(page_of("order_add_customers"), {"q": "Жанар"}).json()
        assert [row["id"] for row in suggestions["found"]] == [str(one.pk)]

    @pytest.mark.parametrize("other", ["", "x", UNKNOWN])
    def test_invalid_customer_is_refused_with_a_message(self, browser, orders, other):
        answer = browser.post(page_of("customer_merge", orders[0].customer_id), {"other": other}, follow=True)
        assert answer.status_code == 200
        assert not Customer.objects.exclude(merged_into=None).exists()

    def test_page_of_a_merged_customer_offers_no_merge(self, browser, orders, manager):
        one, other = orders[0].customer, orders[1].customer
        services.merge_customers(kept_id=one.pk, merged_id=other.pk, actor=manager)
        assert browser.get(page_of("customer_merge_with", other.pk)).status_code == 404


class TestRights:
    def requests(self, orders):
        order, one, other = orders[0], orders[0].customer, orders[1].customer
        yield "get", page_of("order_other_customer", order.pk), {}
        yield "post", page_of("order_set_customer", order.pk), {"customer": str(other.pk)}
        yield "get", page_of("customer_merge_with", one.pk), {}
        yield "post", page_of("customer_merge", one.pk), {"other": str(other.pk)}
        yield "post", page_of("customer_part", other.pk), {}

    @pytest.mark.parametrize("role", [FLORIST, DISPATCHER, ACCOUNTANT], ids=lambda role: role.name)
    def test_other_roles_can_not_change_customers(self, orders, role):
        client = roles.browser_of(roles.person(role))
        for method, url, data in self.requests(orders):
            assert getattr(client, method)(url, data).status_code == 403
        assert "Это другой человек" not in text_of(client.get(change_url(orders[0])))
        assert set(Order.objects.values_list("customer__name", flat=True)) == {"Айгерим", "Данияр"}

    @pytest.mark.parametrize("role", [MANAGER, OWNER], ids=lambda role: role.name)
    def test_manager_and_owner_can(self, orders, role):
        client = roles.browser_of(roles.person(role))
        assert "Это другой человек" in text_of(client.get(change_url(orders[0])))
        for method, url, data in self.requests(orders):
            assert getattr(client, method)(url, data).status_code in (200, 302)

    @pytest.mark.parametrize("name", ["set_customer", "merge", "part"])
    def test_get_changes_nothing(self, browser, orders, name):
        model, key = ("order", orders[0].pk) if name == "set_customer" else ("customer", orders[0].customer_id)
        assert browser.get(page_of(f"{model}_{name}", key)).status_code == 405

    def test_phones_are_masked_for_a_user_who_may_not_see_them(self, orders, manager):
        services.merge_customers(kept_id=orders[0].customer_id, merged_id=orders[1].customer_id, actor=manager)
        client = roles.browser_of(roles.everything_but("view_phones"))
        for url in (
            change_url(orders[1]),
            page_of("order_other_customer", orders[1].pk),
            page_of("customer_change", orders[0].customer_id),
            page_of("customer_merge_with", orders[0].customer_id),
        ):
            html = client.get(url).content.decode()
            assert "777 123" not in html.replace("\xa0", " "), url
            assert "7771234567" not in html, url


class TestContacts:
    """What was typed with an order stays readable after its customer has changed."""

    @pytest.fixture
    def moved(self, orders, manager):
        return services.change_customer(order_id=orders[0].pk, name="Асель", phone="+77020000002", actor=manager)

    @pytest.mark.parametrize("query", ["Айгерим", "777 123 45 67", "4567", "aigerim@cvety.kz"])
    def test_search_finds_the_order(self, browser, moved, query):
        html = browser.get(f"{LIST}?preset=all&q={query}").content.decode()
        assert f"№\xa0{moved.order_number}" in html

    def test_export_has_the_contacts(self, browser, moved):
        answer = browser.get(page_of("order_export"), {"format": "csv", "preset": "all"})
        text = b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode("utf-8-sig")
        head, *lines = text.splitlines()
        row = next(line for line in lines if line.startswith("1;"))
        cells = dict(zip(head.split(";"), row.split(";"), strict=False))
        assert (cells["Клиент"], cells["Имя в заказе"]) == ("Асель", "Айгерим")
        assert cells["Эл. почта в заказе"] == "aigerim@cvety.kz"

    def test_pages_use_a_constant_number_of_queries(self, browser, orders, moved, django_assert_max_num_queries):
        url = page_of("customer_change", orders[1].customer_id)
        browser.get(url)
        with django_assert_max_num_queries(100) as before:
            browser.get(url)
        for number in range(3):
            extra = Customer.objects.create(name=f"Клиент {number} Ли", phone=P1)
            services.change_customer(order_id=moved.pk, customer_id=extra.pk, actor=None)
        with django_assert_max_num_queries(len(before)):
            browser.get(url)
