"""Tests of which orders of the site belong to one customer: guests, shared accounts, shared phones, other spellings."""

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrix_bridge.payloads import read_order
from orders import services
from orders.models import Customer, Order, OrderEvent, Reason, SharedAccount
from orders.rules.guests import MOST_PHONES
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db

P1, P2 = "+77771234567", "+77010000001"
GUEST = {"ID": "3", "NAME": "Анонимный пользователь", "EMAIL": "anonymous_9f2c@example.com", "LOGIN": "anonymous_9f2c"}
NOTHING = {"name": None, "phone": None, "email": None}


def data_of(number, name="Айгерим", phone=P1, *, account=None, user=..., **changes):
    """Return an order with these contacts. Without an account it is an order of a guest."""
    if user is ...:
        user = GUEST if account is None else None
    changes.setdefault("properties", {"name": name, "phone": phone, "email": None})
    return order_data(ID=str(number), ACCOUNT_NUMBER=str(number), USER_ID=str(account or 3), user=user, **changes)


@pytest.fixture
def place(post_webhook):
    """Return a function that posts an order and returns it."""

    def post(number, *args, **kwargs):
        assert post_webhook("order.create", data_of(number, *args, **kwargs)).status_code == 200
        return Order.objects.select_related("customer").get(bitrix_order_id=number)

    return post


def account(number=1079, name="Айгерим", phone=P1):
    return {"ID": str(number), "NAME": name, "PERSONAL_PHONE": phone}


class TestGuests:
    @pytest.mark.parametrize(
        "mark",
        [
            {"EXTERNAL_AUTH_ID": "saleanonymous"},
            {"NAME": "Анонимный", "LAST_NAME": "пользователь"},
            {"EMAIL": "anonymous_9f2c@example.com"},
            {"LOGIN": "anonymous_000000003"},
            {"IS_GUEST_ACCOUNT": "Y"},
        ],
    )
    def test_account_for_guests_is_no_customer(self, place, mark):
        order = place(1, user={"ID": "3", **mark})
        assert (order.customer.name, order.customer.phone, order.customer.bitrix_user_id) == ("Айгерим", P1, None)
        assert (order.bitrix_user_id, SharedAccount.objects.get().bitrix_user_id) == (3, 3)

    def test_account_for_guests_is_remembered(self, place):
        place(1)
        order = place(2, phone=P2, account=3)  # the sender does not describe the account this time
        assert order.customer.bitrix_user_id is None
        assert Customer.objects.count() == 2

    def test_event_about_a_remembered_account_creates_no_customer(self, place, post_webhook):
        place(1)
        post_webhook("user.update", {"ID": 3, "NAME": "Гости", "PERSONAL_PHONE": "+7 700 000 00 00"})
        assert Customer.objects.count() == 1

    def test_strangers_with_one_first_name_stay_two_customers(self, place):
        assert place(1).customer != place(2, phone=P2).customer

    def test_another_name_with_the_same_phone_is_another_customer(self, place):
        assert place(1).customer != place(2, "Данияр").customer

    @pytest.mark.parametrize("name", ["Айгерим С.", "Серикова Айгерим", "Aigerim", "Айгерім", ""])
    def test_other_spelling_with_the_same_phone_is_the_same_customer(self, place, name):
        assert place(1).customer == place(2, name).customer

    def test_customer_gets_the_fuller_name_and_orders_keep_theirs(self, place):
        place(1)
        order = place(2, "Айгерим Серикова")
        assert order.customer.name == "Айгерим Серикова"
        assert list(Order.objects.order_by("pk").values_list("contact_name", flat=True).distinct()) != []
        assert Order.objects.get(bitrix_order_id=1).contact_name == "Айгерим"

    def test_mark_that_comes_late_gives_the_order_to_its_customer(self, place, post_webhook):
        data = data_of(1, user={"ID": "3", "NAME": "Покупатель"}, properties=NOTHING)
        post_webhook("order.create", data)
        assert Order.objects.get().customer.bitrix_user_id == 3
        post_webhook("order.update", next_version(data, user=GUEST, properties={"name": "Айгерим", "phone": P1}))
        order = Order.objects.get()
        assert (order.customer.bitrix_user_id, order.customer.phone) == (None, P1)
        changes = [one for event in order.events.all() for one in event.changes]
        assert {"field": "customer", "old": "Покупатель", "new": "Айгерим"} in changes


class TestAccounts:
    def test_account_with_another_phone_and_name_is_another_customer(self, place):
        owner = place(1, account=1079, user=account()).customer
        other = place(2, "Данияр", P2, account=1079, user=account()).customer
        assert (owner.bitrix_user_id, other.bitrix_user_id, other.name) == (1079, None, "Данияр")

    @pytest.mark.parametrize(("name", "phone"), [("Айгерим С.", P2), ("Данияр", P1), ("", "")])
    def test_account_with_a_contact_that_fits_is_its_customer(self, place, name, phone):
        owner = place(1, account=1079, user=account()).customer
        assert place(2, name, phone, account=1079, user=account()).customer == owner

    def test_typed_contacts_do_not_change_the_customer_of_an_account(self, place):
        place(1, account=1079, user=account())
        order = place(2, "Данияр", P1, account=1079, user=account())
        assert (order.customer.name, order.contact_name) == ("Айгерим", "Данияр")

    def test_same_phone_under_two_accounts_stays_two_customers(self, place):
        one = place(1, account=5, user=account(5)).customer
        assert place(2, account=6, user=account(6)).customer != one

    def test_account_that_is_unknown_to_staff_with_another_name_gets_its_own_customer(self, post_webhook):
        services.customer_for_call(name="Данияр", phone=P1)
        post_webhook("user.update", account())
        assert Customer.objects.get(bitrix_user_id=1079).name == "Айгерим"
        assert Customer.objects.get(name="Данияр").bitrix_user_id is None

    def test_phone_call_with_another_name_creates_another_customer(self, place):
        known = place(1).customer
        assert services.customer_for_call(name="Айгерим С.", phone="8 777 123 45 67") == known
        assert services.customer_for_call(name="Данияр", phone="8 777 123 45 67") != known

    def test_earlier_phone_of_a_customer_finds_the_customer(self, place):
        place(1, account=1079, user=account())
        owner = place(2, phone=P2, account=1079, user=account()).customer
        assert (owner.phone, place(3, phone=P2).customer) == (P1, owner)


class TestManyPhones:
    def namesakes(self, place, count):
        return [place(n, phone=f"+770100000{n:02}", account=55) for n in range(10, 10 + count)]

    def test_account_with_few_phones_is_one_customer(self, place):
        orders = self.namesakes(place, MOST_PHONES)
        assert len({order.customer_id for order in orders}) == 1
        assert not SharedAccount.objects.exists()

    def test_account_with_many_phones_is_shared_and_its_orders_are_sorted(self, place):
        orders = self.namesakes(place, MOST_PHONES + 1)
        assert SharedAccount.objects.get().bitrix_user_id == 55
        assert services.sort_shared_accounts() == MOST_PHONES - 1
        customers = {order.bitrix_order_id: order.customer.phone for order in Order.objects.select_related("customer")}
        assert customers == {order.bitrix_order_id: order.contact_phone for order in orders}
        assert not Customer.objects.exclude(bitrix_user_id=None).exists()
        assert OrderEvent.objects.filter(reason=Reason.SHARED_ACCOUNT).count() == MOST_PHONES - 1
        assert services.sort_shared_accounts() == 0

    def test_choice_of_staff_survives_the_sorting(self, place, manager):
        orders = self.namesakes(place, MOST_PHONES)
        holder = orders[0].customer
        other = services.customer_for_call(name="Данияр", phone=P2)
        services.change_customer(order_id=orders[1].pk, customer_id=other.pk, actor=manager)
        services.change_customer(order_id=orders[1].pk, customer_id=holder.pk, actor=manager)
        self.namesakes(place, MOST_PHONES + 1)
        services.sort_shared_accounts()
        assert Order.objects.get(pk=orders[1].pk).customer_id == holder.pk


class TestRepetition:
    def test_repeated_events_change_nothing(self, place, post_webhook):
        for name, phone in [("Айгерим", P1), ("Данияр", P1), ("Айгерим", P2)]:
            place(100 + len(Order.objects.all()), name, phone)
        before = sorted(Order.objects.values_list("bitrix_order_id", "customer", "contact_name", "contact_phone"))
        for order in Order.objects.all():
            data = data_of(order.bitrix_order_id, order.contact_name, order.contact_phone)
            post_webhook("order.update", next_version(data, COMMENTS="ещё раз"))
        assert before == sorted(
            Order.objects.values_list("bitrix_order_id", "customer", "contact_name", "contact_phone")
        )
        assert Customer.objects.count() == 3

    def test_correction_of_a_typed_contact_is_on_the_timeline(self, place, post_webhook):
        place(1)
        post_webhook("order.update", next_version(data_of(1, phone=P2)))
        order = Order.objects.get()
        assert (order.contact_phone, order.customer.phone) == (P2, P2)
        changes = {one["field"]: (one["old"], one["new"]) for one in order.events.first().changes}
        assert changes["contact_phone"] == (P1, P2)


PEOPLE = [
    (None, "Айгерим", P1), (None, "Aigerim", P1), (None, "Данияр", P1), (None, "Айгерим", P2),
    (None, "Данияр С.", P1), (7, "Асель", "+77020000002"), (7, "Асель", "+77020000002"), (8, "Жанар", "+77020000002"),
]  # fmt: skip


@settings(max_examples=25)
@given(st.permutations(range(len(PEOPLE))))
def test_sequence_of_orders_does_not_change_who_belongs_together(django_db_setup, sequence):
    with transaction.atomic():
        for index in sequence:
            number, name, phone = PEOPLE[index]
            user = account(number, name, phone) if number else GUEST
            snapshot = read_order(data_of(index + 1, name, phone, account=number, user=user))
            services.apply_snapshot(snapshot=snapshot)
        groups = {}
        for number, customer in Order.objects.values_list("bitrix_order_id", "customer"):
            groups.setdefault(customer, set()).add(number)
        assert sorted(map(sorted, groups.values())) == [[1, 2], [3, 5], [4], [6, 7], [8]]
        transaction.set_rollback(True)
