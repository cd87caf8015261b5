"""Tests of the CRM behind a Cloudflare Tunnel. The tests send what cloudflared sends."""

import pytest
import requests

from tests.samples import order_data


@pytest.fixture(scope="module")
def tunnel(machine):
    """Install the CRM behind the tunnel, and return a function that sends a request as cloudflared does."""
    machine.install_first("--behind-tunnel")

    def send(method, path, *, scheme="https", address="203.0.113.9", **options):
        headers = {
            "Host": "localhost",
            "CF-Connecting-IP": address,
            "X-Forwarded-For": f"198.51.100.1, {address}",
            "X-Forwarded-Proto": scheme,
            **options.pop("headers", {}),
        }
        url = f"http://127.0.0.1:{machine.tunnel_port}{path}"
        return requests.request(method, url, headers=headers, timeout=60, allow_redirects=False, **options)

    return send


def test_webhook_has_the_address_of_the_visitor(machine, tunnel):
    token = {"Authorization": f"Bearer {machine.settings['WEBHOOK_TOKENS']}"}
    body = {"event": "order.create", "data": order_data()}
    answer = tunnel("POST", "/webhooks/bitrix/order", json=body, headers=token)
    assert (answer.status_code, answer.json()["action"]) == (200, "created")
    stored = machine.query("SELECT host(remote_addr) FROM bitrix_webhook_events ORDER BY created_at DESC LIMIT 1")
    assert stored == [("203.0.113.9",)]


def test_visitor_without_encryption_is_redirected_but_a_webhook_is_refused(tunnel):
    page = tunnel("GET", "/crm/", scheme="http")
    assert (page.status_code, page.headers["Location"]) == (301, "https://localhost/crm/")
    assert tunnel("POST", "/webhooks/bitrix/order", scheme="http", json={}).status_code == 403
    assert "Secure" in tunnel("GET", "/crm/login/").headers["Set-Cookie"]


def test_nothing_but_the_tunnel_leads_to_the_crm(machine, tunnel):
    site = (machine.root / "etc/nginx/sites-enabled/cvety-crm.conf").read_text()
    assert [line.split()[1] for line in site.splitlines() if line.strip().startswith("listen")] == [
        f"127.0.0.1:{machine.tunnel_port};"
    ]
    assert not (machine.root / "etc/cvety-crm/tls").exists()
    assert machine.install() == "Nothing to change.\n"
