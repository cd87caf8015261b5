"""Tests of the site check with the real PHP: the fake Bitrix classes behave as the check expects of Bitrix."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.site_check.calls import SiteBridge
from bitrix_bridge.site_check.comparison import Kind
from bitrix_bridge.site_check.sentences import sentence_in_step
from bitrix_bridge.site_check.step_runner import Mark, StepRunner
from orders.models import Order
from tests.bitrix_bridge.php.site import API_TOKEN


@pytest.fixture
def run_steps(settings):
    """Return a function that runs the steps of the site check against a shop, and returns their results."""

    def run_steps(shop):
        settings.BITRIX_API_URL, settings.BITRIX_API_TOKEN = shop.bridge_url, API_TOKEN
        one = StepRunner(SiteBridge())
        one.run()
        return one.results

    return run_steps


def sentences(results):
    return [sentence_in_step(result.title, one) for result in results for one in result.differences]


def test_php_bridge_is_as_expected(announcing, run_steps):
    results = run_steps(announcing)
    assert sentences(results) == []
    assert {result.mark for result in results} == {Mark.AS_EXPECTED}
    assert announcing.rows("SELECT * FROM b_sale_order") == []


def test_shop_without_the_line_in_init_reports_only_that(site, run_steps):
    results = run_steps(site)
    found = [(one.kind, one.name) for result in results for one in result.differences]
    assert found == [(Kind.SETTING, "webhook_installed")]


@pytest.mark.django_db(transaction=True)
def test_check_works_between_the_php_bridge_and_the_crm(connected):
    out = io.StringIO()
    call_command("check_site", "--yes", stdout=out, no_color=True)
    assert "≠" not in out.getvalue()
    assert "order.delete × 1" in out.getvalue()
    assert set(WebhookEvent.objects.values_list("action", flat=True)) == {"ignored"}
    assert not Order.objects.exists()
