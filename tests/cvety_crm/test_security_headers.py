"""Tests of the headers that limit what a browser may do with a page."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db

PAGES = ["/", "/crm/login/", "/docs/", "/health", "/crm/", "/crm/orders/order/", "/no/such/page/", "/crm/?x=%00"]


@pytest.mark.parametrize("address", PAGES)
def test_every_page_allows_no_other_host_and_no_device(client, manager, address):
    client.force_login(manager)
    headers = client.get(address).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert (policy["default-src"], policy["frame-ancestors"], policy["form-action"]) == ("'self'", "'none'", "'self'")
    assert not any("http" in sources or "*" in sources for sources in policy.values())
    assert "camera=()" in headers["Permissions-Policy"]


def test_page_with_a_stricter_policy_keeps_it(client):
    policy = client.get(reverse("approval", args=["no-such-token"])).headers["Content-Security-Policy"]
    assert "unsafe-eval" not in policy


def test_page_of_https_tells_browsers_to_keep_to_it(client, settings):
    settings.SECURE_HSTS_SECONDS = 3600
    assert client.get("/", secure=True).headers["Strict-Transport-Security"] == "max-age=3600"
