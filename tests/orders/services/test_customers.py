"""Tests of adding and editing customers by staff."""

import pytest

from orders import services
from orders.models import Customer

pytestmark = pytest.mark.django_db


def test_add_customer_normalizes_phone():
    services.add_customer(Customer(name="Айгерим", phone="8 701 123-45-67"))
    assert list(Customer.objects.values_list("name", "phone")) == [("Айгерим", "+77011234567")]


def test_edit_customer_stores_only_the_changed_fields():
    customer = Customer.objects.create(name="Айгерим", phone="+77011234567", note="до")
    Customer.objects.update(name="the site's")
    customer.phone, customer.note = "8 (702) 123 45 67", "после"
    services.edit_customer(customer, changed=["phone", "note"])
    assert list(Customer.objects.values_list("name", "phone", "note")) == [("the site's", "+77021234567", "после")]


def test_edit_customer_writes_nothing_when_nothing_is_changed(django_assert_num_queries):
    customer = Customer.objects.create(name="Айгерим", phone="+77011234567")
    with django_assert_num_queries(0):
        services.edit_customer(customer, changed=[])
