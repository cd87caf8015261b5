"""The check of the site against the real PHP: what it expects of Bitrix is what the stand-ins for Bitrix do."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.site_check.calls import SiteBridge
from bitrix_bridge.site_check.comparison import Kind
from bitrix_bridge.site_check.walk import Mark, Walk
from bitrix_bridge.site_check.words import in_step
from orders.models import Order
from tests.bitrix_bridge.php.site import API_TOKEN


@pytest.fixture
def walk(settings):
    """Walk through a shop; return the results."""

    def walk(shop):
        settings.BITRIX_API_URL, settings.BITRIX_API_TOKEN = shop.bridge_url, API_TOKEN
        one = Walk(SiteBridge())
        one.run()
        return one.results

    return walk


def words(results):
    return [in_step(result.title, one) for result in results for one in result.differences]


def test_the_real_bridge_is_as_expected(announcing, walk):
    results = walk(announcing)
    assert words(results) == []
    assert {result.mark for result in results} == {Mark.AS_EXPECTED}
    assert announcing.rows("SELECT * FROM b_sale_order") == []


def test_a_shop_without_the_line_in_init_is_told_of_that_alone(site, walk):
    results = walk(site)
    found = [(one.kind, one.name) for result in results for one in result.differences]
    assert found == [(Kind.SETTING, "webhook_installed")]


@pytest.mark.django_db(transaction=True)
def test_both_ways_between_the_real_bridge_and_the_crm(connected):
    out = io.StringIO()
    call_command("check_site", "--yes", stdout=out, no_color=True)
    assert "≠" not in out.getvalue()
    assert "order.delete × 1" in out.getvalue()
    assert set(WebhookEvent.objects.values_list("action", flat=True)) == {"ignored"}
    assert not Order.objects.exists()
