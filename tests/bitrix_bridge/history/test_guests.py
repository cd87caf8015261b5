"""Tests of the import of orders that guests have placed: the same customers as by webhooks, and the same again."""

import pytest

from bitrix_bridge.history import importing
from bitrix_bridge.history.catalogue import read_knowledge
from bitrix_bridge.history.documents import document
from bitrix_bridge.history.reading import Selection, read_orders
from orders.models import Customer, Order, SharedAccount
from tests.bitrix_bridge.history.tables import Schema
from tests.bitrix_bridge.history.week import ORDERS

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("schema", [Schema.NEW])]
IDS = sorted(order.id for order in ORDERS)


@pytest.fixture
def guests(site_copy, source):
    """Return the connection to a copy in which all orders were placed under the account for guests."""
    guest = site_copy.execute("SELECT MIN(USER_ID) FROM b_sale_order WHERE USER_ID > 0")[0][0]
    site_copy.execute(
        "UPDATE b_user SET EXTERNAL_AUTH_ID = 'saleanonymous', NAME = 'Анонимный', LAST_NAME = 'пользователь',"
        " EMAIL = 'anonymous_9f2c@example.com' WHERE ID = %s",
        [guest],
    )
    site_copy.execute("UPDATE b_sale_order SET USER_ID = %s", [guest])
    return source


def run(source):
    started = importing.start(source, Selection())
    assert importing.work(started, source)


def partition():
    """Return the sets of orders that belong to one customer."""
    groups = {}
    for number, customer in Order.objects.values_list("bitrix_order_id", "customer"):
        groups.setdefault(customer, []).append(number)
    return sorted(map(sorted, groups.values()))


def stored():
    columns = ("bitrix_order_id", "customer", "contact_name", "contact_phone", "contact_email", "bitrix_user_id")
    return sorted(Order.objects.values_list(*columns)), sorted(Customer.objects.values_list("pk", "name", "phone"))


def test_import_of_guests_is_the_same_twice(guests):
    run(guests)
    before = stored()
    assert 1 < Customer.objects.count() < len(IDS)
    assert not Customer.objects.exclude(bitrix_user_id=None).exists()
    assert SharedAccount.objects.count() == 1
    run(guests)
    assert stored() == before


def test_import_and_webhooks_find_the_same_customers_of_guests(guests, post_webhook):
    run(guests)
    history = partition()
    Order.objects.all().delete()
    Customer.objects.all().delete()
    SharedAccount.objects.all().delete()
    knowledge = read_knowledge(guests)
    for made in reversed([document(order, knowledge) for order in read_orders(guests, IDS).orders]):
        post_webhook("order.create", made.data)
    assert partition() == history


def test_import_after_webhooks_changes_no_customer(guests, post_webhook):
    knowledge = read_knowledge(guests)
    for made in [document(order, knowledge) for order in read_orders(guests, IDS).orders]:
        post_webhook("order.create", made.data)
    before = partition(), Customer.objects.count()
    run(guests)
    assert (partition(), Customer.objects.count()) == before
