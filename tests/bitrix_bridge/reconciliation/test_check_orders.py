"""Tests that a comparison skips the order of a site check.

The order is in the site's list, but it is not an order of the shop.
"""

import pytest

from bitrix_bridge.models import Difference
from orders.models import Order

pytestmark = pytest.mark.django_db

XML_ID = "crm-check-6a3b0f4e-7f0e-4c55-9a52-0c0d6f9f2a11"


def test_comparison_skips_the_order_of_a_site_check(site, place, compare_sides):
    place(1)
    site.place_order(xml_id=XML_ID)
    place(1)
    run = compare_sides()
    assert (run.state, run.compared, run.differences, run.missing_here) == ("done", 2, 0, 0)
    assert not Difference.objects.exists()


def test_comparison_finishes_when_the_last_order_is_of_a_site_check(site, place, compare_sides):
    place(1)
    site.place_order(xml_id=XML_ID)
    run = compare_sides(repair=True)
    assert (run.compared, run.differences) == (1, 0)
    assert Order.objects.count() == 1
