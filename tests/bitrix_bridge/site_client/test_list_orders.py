"""Tests of the site's list of orders, page by page, over the bridge and over REST."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from bitrix_bridge.payloads.listing import OrderPage
from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_client.bridge_client import BridgeClient
from bitrix_bridge.site_client.rest_client import RestClient
from bitrix_bridge.site_client.transports import SiteClient
from cvety_crm.outbox import MisconfiguredError, PermanentDeliveryError, TemporaryDeliveryError


@pytest.fixture(params=["bridge", "rest"])
def transport_site(request, site, settings):
    """Return the site. Each test runs twice: the CRM can reach the site only over the bridge, or only over REST."""
    if request.param == "rest":
        settings.BITRIX_REST_URL, settings.BITRIX_API_URL = site.rest_url, ""
    return site


def all_rows(limit=2, **options):
    pages: list[OrderPage] = []
    after_id = 0
    while not pages or not pages[-1].is_last:
        pages.append(SiteClient().list_orders(after_id=after_id, limit=limit, **options))
        after_id = pages[-1].orders[-1].bitrix_order_id if pages[-1].orders else after_id
    return [row for page in pages for row in page.orders], len(pages)


def test_list_returns_every_order_once(transport_site):
    for status in ("N", "AP", "DE", "N", "F"):
        transport_site.change_status(
            transport_site.place_order()["ID"], status
        ) if status != "N" else transport_site.place_order()
    transport_site.site.update_order(122184, {"PAYED": "Y"})
    rows, _pages = all_rows()
    there = transport_site.site.all_orders()
    assert [row.bitrix_order_id for row in rows] == [int(order["ID"]) for order in there]
    assert [row.version for row in rows] == [int(order["VERSION"]) for order in there]
    assert [row.values["status"] for row in rows] == ["N", "AP", "DE", "N", "F"]
    assert [row.values["total_amount"] for row in rows] == [f"{float(order['PRICE']):.2f}" for order in there]
    assert [row.values["payment_status"] for row in rows] == ["pending", "paid", "pending", "pending", "pending"]


def test_list_is_read_page_by_page(site, settings):
    for _ in range(120):
        site.place_order()
    assert [all_rows(limit=50)[1], all_rows(limit=500)[1]] == [3, 1]
    settings.BITRIX_REST_URL, settings.BITRIX_API_URL = site.rest_url, ""
    rows, pages = all_rows()
    assert (len(rows), pages) == (120, 4)  # REST returns 50 rows, and only an empty page ends the list


def test_list_returns_only_orders_saved_since_a_time(transport_site, monkeypatch):
    monkeypatch.setattr(
        transport_site.site,
        "_clock",
        lambda: datetime(2026, 3, 1, 10, 0, tzinfo=timezone.get_current_timezone()).timestamp(),
    )
    old = transport_site.place_order()
    later = datetime(2026, 3, 2, 23, 30, tzinfo=timezone.get_current_timezone())
    monkeypatch.setattr(transport_site.site, "_clock", later.timestamp)
    new = transport_site.place_order()
    assert [row.bitrix_order_id for row in all_rows()[0]] == [int(old["ID"]), int(new["ID"])]
    for since in (later, later.astimezone(tz=None), later - timedelta(hours=3)):
        assert [row.bitrix_order_id for row in all_rows(since=since)[0]] == [int(new["ID"])]
    assert all_rows(since=later + timedelta(seconds=1))[0] == []


def test_list_of_empty_site_is_empty(transport_site):
    assert all_rows()[0] == []


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (faults.status(503), TemporaryDeliveryError),
        (faults.html(), TemporaryDeliveryError),
        (faults.status(401), MisconfiguredError),
    ],
)
def test_error_of_the_site_raises_its_failure(transport_site, fault, failure):
    transport_site.faults.give(fault)
    with pytest.raises(failure):
        SiteClient().list_orders()


def test_repeated_page_raises_a_failure(transport_site, monkeypatch):
    transport_site.place_order()
    rows = transport_site.site.changed()
    monkeypatch.setattr(transport_site.site, "changed", lambda *_args, **_flags: rows)
    monkeypatch.setattr(transport_site.site, "all_orders", lambda: [{"ID": "5"}, {"ID": "5"}])
    monkeypatch.setattr("bitrix_bridge.sandbox.rest._holds", lambda *_args: True)
    with pytest.raises(PermanentDeliveryError) as refusal:
        SiteClient().list_orders(after_id=122183)
    assert "comes after" in refusal.value.answer


def test_response_without_a_list_raises_a_failure(site, monkeypatch):
    monkeypatch.setattr(BridgeClient, "_call", lambda *_args: {"success": True, "orders": "none"})
    monkeypatch.setattr(RestClient, "_call", lambda *_args: {"orders": None})
    for client in (BridgeClient(), RestClient()):
        with pytest.raises(PermanentDeliveryError):
            client.list_orders()


def test_earlier_endpoint_cannot_list_orders(settings):
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, legacy_bridge=True) as old:
        settings.BITRIX_API_URL = old.bridge_url
        old.place_order()
        with pytest.raises(MisconfiguredError, match="bitrix_bridge/php"):
            SiteClient().list_orders()
        settings.BITRIX_REST_URL = old.rest_url
        assert len(SiteClient().list_orders().orders) == 1
        assert len(old.site.all_orders()) == 1
