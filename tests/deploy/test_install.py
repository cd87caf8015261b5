"""Tests of the installer on a bare machine, and of the CRM behind nginx and PgBouncer that it installs."""

import re
import time

import pytest
import requests

from tests.samples import order_data

FORGED = {"X-Forwarded-For": "203.0.113.9", "CF-Connecting-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
UNHASHED_CSS = r"/static/[\w/.-]+\.[0-9a-f]{12}\.css"


@pytest.fixture(scope="module")
def output(machine):
    """Install the CRM, and return what the installer has printed."""
    return machine.install_first()


def _files(folder):
    """Return the mode, the time and the content of each file and link."""
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.is_symlink() or path.read_bytes())
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_webhook_is_stored_with_the_address_that_nginx_sees(machine, output):
    answer = machine.post("order.create", order_data(ID="700001", ACCOUNT_NUMBER="700001"), **FORGED)
    assert (answer.status_code, answer.json()["action"]) == (200, "created")
    stored = machine.query("SELECT host(remote_addr) FROM bitrix_webhook_events ORDER BY created_at DESC LIMIT 1")
    assert stored == [("127.0.0.1",)]


def test_webhook_without_encryption_is_refused_and_a_page_is_redirected(machine, output):
    plain = f"http://localhost:{machine.http_port}"
    refused = requests.post(f"{plain}/webhooks/bitrix/order", json={}, timeout=20, allow_redirects=False)
    page = requests.get(f"{plain}/crm/?q=1", timeout=20, allow_redirects=False)
    assert (refused.status_code, "Location" in refused.headers) == (403, False)
    assert (page.status_code, page.headers["Location"]) == (301, "https://localhost/crm/?q=1")


def test_owner_signs_in_with_the_printed_password(machine, output):
    password = re.search(r"account owner with the password (\S+)", output)[1]
    with requests.Session() as browser:
        browser.trust_env, browser.verify = False, machine.certificate
        page = browser.get(f"{machine.url}/crm/login/", timeout=60)
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
        form = {"csrfmiddlewaretoken": token, "username": "owner", "password": password, "next": "/crm/"}
        answer = browser.post(
            f"{machine.url}/crm/login/", data=form, headers={"Referer": machine.url}, timeout=60, allow_redirects=False
        )
        assert (answer.status_code, answer.headers["Location"]) == (302, "/crm/")
        assert "Secure" in answer.headers["Set-Cookie"]
        assert browser.get(f"{machine.url}/crm/orders/order/", timeout=60).status_code == 200


def test_static_files_are_cached_for_ever_by_the_hash_in_their_name(machine, output):
    path = re.search(UNHASHED_CSS, machine.get("/crm/login/").text)[0]
    cached = machine.get(path, headers={"Accept-Encoding": "gzip"})
    assert cached.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert cached.headers["X-Content-Type-Options"] == "nosniff"
    assert cached.headers["Content-Encoding"] == "gzip"
    assert cached.headers["Content-Type"].startswith("text/css")
    unhashed = re.sub(r"\.[0-9a-f]{12}\.css", ".css", path)
    assert "immutable" not in machine.get(unhashed).headers["Cache-Control"]
    assert machine.get("/static/../../../etc/cvety-crm/env").status_code == 404


def test_settings_have_secrets_that_only_the_service_reads(machine, output):
    settings = machine.settings
    secrets = [settings[name] for name in ("SECRET_KEY", "WEBHOOK_TOKENS", "BITRIX_API_TOKEN", "HEALTH_TOKEN")]
    assert (machine.root / "etc/cvety-crm/env").stat().st_mode & 0o777 == 0o600
    assert len({*secrets}) == 4
    assert min(map(len, secrets)) >= 32
    assert not any(secret in output for secret in secrets)
    ready = machine.get("/health/ready", headers={"Authorization": f"Bearer {settings['HEALTH_TOKEN']}"})
    assert {one["name"] for one in ready.json()["probes"]} > {"cvety_crm.ops.migrations"}


def test_second_run_changes_nothing_and_keeps_edited_settings(machine, output):
    env = machine.root / "etc/cvety-crm/env"
    env.write_text(env.read_text() + "# a remark of the administrator\n")
    before = _files(machine.root / "etc") | _files(machine.release / "deploy")
    pids = [machine.services.pid(name) for name in ("cvety-web", "cvety-worker")]
    commands = len(machine.services.commands)

    assert machine.install() == "Nothing to change.\n"
    assert _files(machine.root / "etc") | _files(machine.release / "deploy") == before
    assert machine.services.commands[commands:] == []
    assert [machine.services.pid(name) for name in ("cvety-web", "cvety-worker")] == pids
    other = machine.install(DATABASE_URL="postgres://other@localhost/other")
    assert "DATABASE_URL was not changed" in other
    assert machine.settings["DATABASE_URL"] == machine.pooler.url


def test_secret_addresses_and_searches_are_not_logged(machine, output):
    machine.get("/p/secret-of-a-customer/")
    machine.get("/crm/orders/order/?q=Айгерим-77712345")
    machine.get("/health")
    log = machine.root / "var/log/nginx/cvety-crm.log"
    machine.wait_until(lambda: "/health" in log.read_text())
    assert "/crm/orders/order/" in log.read_text()
    assert "secret-of-a-customer" not in log.read_text() + machine.proxy.log.read_text()
    assert "77712345" not in log.read_text()


def test_services_start_with_the_machine(machine, output):
    enabled = [name for command in machine.services.commands if command[0] == "enable" for name in command[1:]]
    assert {name for name in enabled if name.startswith("cvety")} == {
        "cvety-web.socket",
        "cvety-web.service",
        "cvety-worker.service",
    }


def test_killed_processes_are_replaced_and_no_request_is_refused(machine, output):
    before = machine.services.pid("cvety-web")
    machine.services.kill("cvety-web")
    started = time.monotonic()
    assert machine.get("/health").status_code == 200
    assert machine.services.pid("cvety-web") != before
    assert time.monotonic() - started < 60


def test_responses_ask_to_repeat_while_nothing_listens(machine, output):
    machine.services.call("stop", "cvety-web.socket", "cvety-web.service")
    try:
        webhook = machine.post("order.create", order_data(ID="700002", ACCOUNT_NUMBER="700002"))
        assert (webhook.status_code, webhook.json()["error"]) == (503, "unavailable")
        assert int(webhook.headers["Retry-After"]) > 0
        page = machine.get("/crm/")
        assert (page.status_code, "CRM перезапускается" in page.content.decode()) == (503, True)
        assert int(page.headers["Retry-After"]) > 0
    finally:
        machine.services.call("start", "cvety-web.socket", "cvety-web.service")
    assert machine.get("/health").status_code == 200
