"""The order that a check of the site has made stands in the site's list, and is no order of the shop."""

import pytest

from bitrix_bridge.models import Difference
from orders.models import Order

pytestmark = pytest.mark.django_db

XML_ID = "crm-check-6a3b0f4e-7f0e-4c55-9a52-0c0d6f9f2a11"


def test_the_comparison_leaves_the_order_of_a_check_out(site, place, compare_sides):
    place(1)
    site.place_order(xml_id=XML_ID)
    place(1)
    run = compare_sides()
    assert (run.state, run.compared, run.differences, run.missing_here) == ("done", 2, 0, 0)
    assert not Difference.objects.exists()


def test_a_comparison_ends_with_the_order_of_a_check(site, place, compare_sides):
    place(1)
    site.place_order(xml_id=XML_ID)
    run = compare_sides(repair=True)
    assert (run.compared, run.differences) == (1, 0)
    assert Order.objects.count() == 1
