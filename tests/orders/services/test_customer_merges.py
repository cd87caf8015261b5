"""Tests of merging customers, parting them again, and giving an order to another person."""

import threading
from decimal import Decimal

import pytest
from django.db import close_old_connections, connection

from orders import services
from orders.models import Customer, CustomerChange, EventKind, Order, Reason
from orders.services import NotAllowedError
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db

P1, P2, P3 = "+77771234567", "+77010000001", "+77020000002"


def data_of(number, account, name, phone, **changes):
    user = {"ID": str(account), "NAME": name, "PERSONAL_PHONE": phone}
    properties = {"name": name, "phone": phone, "email": None}
    changes = {"properties": properties, **changes}
    return order_data(ID=str(number), ACCOUNT_NUMBER=str(number), USER_ID=str(account), user=user, **changes)


@pytest.fixture
def place(post_webhook):
    """Return a function that posts an order of an account and returns it."""

    def post(number, account, name, phone):
        post_webhook("order.create", data_of(number, account, name, phone))
        return Order.objects.select_related("customer").get(bitrix_order_id=number)

    return post


@pytest.fixture
def two(place):
    """Return two customers with an account each: the first one has orders 1 and 2, the second one order 3."""
    place(1, 71, "Айгерим", P1)
    one, other = place(2, 71, "Айгерим", P1).customer, place(3, 72, "Данияр", P2).customer
    return one, other


def owners():
    return dict(Order.objects.order_by("bitrix_order_id").values_list("bitrix_order_id", "customer__name"))


def contacts():
    return list(Order.objects.order_by("bitrix_order_id").values_list("contact_name", "contact_phone"))


class TestMerge:
    def test_orders_are_given_to_the_kept_customer(self, two, manager):
        one, other = two
        before = contacts()
        assert services.merge_customers(kept_id=one.pk, merged_id=other.pk, actor=manager) == 1
        assert set(owners().values()) == {"Айгерим"}
        assert contacts() == before
        event = Order.objects.get(bitrix_order_id=3).events.first()
        assert (event.kind, event.reason, event.actor) == (EventKind.CUSTOMER, Reason.MERGED, manager)
        assert event.changes == [{"field": "customer", "old": "Данияр", "new": "Айгерим"}]
        assert not Order.objects.get(bitrix_order_id=1).events.filter(kind=EventKind.CUSTOMER).exists()

    def test_accounts_and_contacts_of_both_are_kept(self, two, manager):
        one, other = two
        services.merge_customers(kept_id=one.pk, merged_id=other.pk, actor=manager)
        rows = Customer.objects.order_by("bitrix_user_id").values_list("bitrix_user_id", "phone", "merged_into")
        assert list(rows) == [(71, P1, None), (72, P2, one.pk)]

    def test_next_events_of_both_accounts_reach_the_kept_customer(self, two, manager, place, post_webhook):
        one, other = two
        services.merge_customers(kept_id=one.pk, merged_id=other.pk, actor=manager)
        place(4, 71, "Айгерим", P1)
        place(5, 72, "Данияр", P2)
        post_webhook("order.update", next_version(data_of(3, 72, "Данияр", P2), COMMENTS="позже"))
        post_webhook("user.update", {"ID": 72, "NAME": "Данияр Ли", "PERSONAL_PHONE": P2})
        assert set(owners().values()) == {"Айгерим"}
        other.refresh_from_db()
        assert (other.name, other.merged_into_id) == ("Данияр Ли", one.pk)

    def test_events_after_a_merge_cost_as_many_queries(self, two, manager, post_webhook, django_assert_max_num_queries):
        one, other = two
        post_webhook("order.update", next_version(data_of(3, 72, "Данияр", P2), COMMENTS="1"))
        with django_assert_max_num_queries(100) as before:
            data = next_version(next_version(data_of(3, 72, "Данияр", P2)), COMMENTS="2")
            post_webhook("order.update", data)
        services.merge_customers(kept_id=one.pk, merged_id=other.pk, actor=manager)
        with django_assert_max_num_queries(len(before)):
            post_webhook("order.update", next_version(data, COMMENTS="3"))

    @pytest.mark.parametrize("case", ["itself", "merged", "into merged", "unknown"])
    def test_impossible_merge_is_refused_and_changes_nothing(self, two, manager, case):
        one, other = two
        if case != "itself":
            services.merge_customers(kept_id=one.pk, merged_id=other.pk, actor=manager)
        third = Customer.objects.create(name="Асель")
        kept, merged = {
            "itself": (one.pk, one.pk),
            "merged": (third.pk, other.pk),
            "into merged": (other.pk, third.pk),
            "unknown": (one.pk, Order.objects.first().pk),
        }[case]
        before = (owners(), CustomerChange.objects.count())
        with pytest.raises(NotAllowedError):
            services.merge_customers(kept_id=kept, merged_id=merged, actor=manager)
        assert (owners(), CustomerChange.objects.count()) == before


class TestPart:
    def test_orders_return_also_those_that_came_later(self, two, manager, place):
        one, other = two
        services.merge_customers(kept_id=one.pk, merged_id=other.pk, actor=manager)
        place(4, 72, "Данияр", P2)
        place(5, 71, "Айгерим", P1)
        assert services.part_customer(merged_id=other.pk, actor=manager) == 2
        assert owners() == {1: "Айгерим", 2: "Айгерим", 3: "Данияр", 4: "Данияр", 5: "Айгерим"}
        place(6, 72, "Данияр", P2)
        assert owners()[6] == "Данияр"
        reasons = Order.objects.get(bitrix_order_id=3).events.filter(kind=EventKind.CUSTOMER)
        assert [event.reason for event in reasons] == [Reason.PARTED, Reason.MERGED]
        assert not Order.objects.exclude(customer_before_merge=None).exists()

    def test_order_that_was_given_to_a_third_customer_stays_there(self, two, manager):
        one, other = two
        third = Customer.objects.create(name="Асель")
        services.merge_customers(kept_id=one.pk, merged_id=other.pk, actor=manager)
        order = Order.objects.get(bitrix_order_id=3)
        services.change_customer(order_id=order.pk, customer_id=third.pk, actor=manager)
        assert services.part_customer(merged_id=other.pk, actor=manager) == 0
        assert owners()[3] == "Асель"

    @pytest.mark.parametrize("sequence", [(0, 1), (1, 0)])
    def test_chain_of_merges_is_parted_in_any_sequence(self, two, manager, place, sequence):
        one, other = two
        third = place(4, 73, "Асель", P3).customer
        services.merge_customers(kept_id=other.pk, merged_id=third.pk, actor=manager)
        services.merge_customers(kept_id=one.pk, merged_id=other.pk, actor=manager)
        assert set(owners().values()) == {"Айгерим"}
        for index in sequence:
            services.part_customer(merged_id=(other, third)[index].pk, actor=manager)
        assert owners() == {1: "Айгерим", 2: "Айгерим", 3: "Данияр", 4: "Асель"}

    def test_parting_of_the_middle_returns_what_was_merged_into_it(self, two, manager, place):
        one, other = two
        third = place(4, 73, "Асель", P3).customer
        services.merge_customers(kept_id=other.pk, merged_id=third.pk, actor=manager)
        services.merge_customers(kept_id=one.pk, merged_id=other.pk, actor=manager)
        services.part_customer(merged_id=other.pk, actor=manager)
        assert owners() == {1: "Айгерим", 2: "Айгерим", 3: "Данияр", 4: "Данияр"}

    def test_customer_that_is_not_merged_can_not_be_parted(self, two, manager):
        with pytest.raises(NotAllowedError):
            services.part_customer(merged_id=two[1].pk, actor=manager)


class TestOtherPerson:
    def test_order_is_given_to_a_new_customer_and_keeps_its_contacts(self, two, manager, post_webhook):
        order = Order.objects.get(bitrix_order_id=2)
        services.change_customer(order_id=order.pk, name="Асель", phone="8 702 000 00 02", actor=manager)
        post_webhook("order.update", next_version(data_of(2, 71, "Айгерим", P1), COMMENTS="позже"))
        order.refresh_from_db()
        assert (order.customer.name, order.customer.phone) == ("Асель", P3)
        assert (order.contact_name, order.contact_phone) == ("Айгерим", P1)
        event = order.events.get(kind=EventKind.CUSTOMER)
        assert (event.reason, event.changes[0]["new"]) == (Reason.OTHER_PERSON, "Асель")

    def test_site_that_reports_a_different_person_changes_the_customer(self, two, manager, post_webhook):
        order = Order.objects.get(bitrix_order_id=2)
        services.change_customer(order_id=order.pk, name="Асель", phone=P3, actor=manager)
        post_webhook("order.update", next_version(data_of(2, 72, "Данияр", P2)))
        assert owners()[2] == "Данияр"

    @pytest.mark.parametrize(
        "given", [{}, {"name": "Асель", "phone": "12"}, {"name": "я" * 300}, {"name": "Айгерим", "phone": P1}]
    )
    def test_invalid_customer_is_refused_and_leaves_no_trace(self, two, manager, given):
        order = Order.objects.get(bitrix_order_id=2)
        before = (Customer.objects.count(), order.events.count())
        with pytest.raises(NotAllowedError):
            services.change_customer(order_id=order.pk, actor=manager, **given)
        assert (Customer.objects.count(), order.events.count(), owners()[2]) == (*before, "Айгерим")

    def test_order_that_the_site_lacks_gets_the_account_of_its_customer(self, two, manager):
        one, other = two
        item = services.NewItem(name="Букет", price=Decimal(1000))
        own = Customer.objects.create(name="Асель", phone=P3)
        services.merge_customers(kept_id=own.pk, merged_id=other.pk, actor=manager)
        order = services.create_order(items=[item], customer=own, actor=manager)
        assert (order.bitrix_user_id, order.contact_phone) == (72, P3)
        order = services.change_customer(order_id=order.pk, customer_id=one.pk, actor=manager)
        assert (order.bitrix_user_id, order.contact_phone) == (71, P3)


@pytest.mark.django_db(transaction=True)
def test_opposite_merges_at_once_do_not_deadlock(place, manager):
    one, other = place(1, 71, "Айгерим", P1).customer, place(2, 72, "Данияр", P2).customer
    outcomes: list[object] = []
    start = threading.Barrier(2)

    def merge(kept, merged):
        start.wait()
        try:
            outcomes.append(services.merge_customers(kept_id=kept, merged_id=merged, actor=None))
        except Exception as error:
            outcomes.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=merge, args=pair) for pair in [(one.pk, other.pk), (other.pk, one.pk)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    close_old_connections()
    assert sorted(map(str, outcomes)) == sorted(map(str, [1, NotAllowedError]))
    assert len(set(owners().values())) == 1
