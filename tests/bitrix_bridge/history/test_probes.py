"""Tests of the probes for the copy of the site's database and for the last import."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bitrix_bridge.history import probes
from bitrix_bridge.models import ImportRun
from cvety_crm.ops.health import Level
from tests.bitrix_bridge.history.tables import Schema
from tests.mariadb import PASSWORDS

only_new = pytest.mark.parametrize("schema", [Schema.NEW], ids=["new"])


def test_probe_without_a_configured_copy_is_green(settings):
    settings.BITRIX_MYSQL_URL = ""
    found = probes.site_copy.run()
    assert (found.level, found.figure, found.hint) == (Level.GREEN, "не настроена", "")


@only_new
@pytest.mark.parametrize(
    ("account", "level", "text"),
    [
        ("reader", Level.GREEN, "только чтение"),
        ("writer", Level.YELLOW, "ALL PRIVILEGES"),
        ("role_reader", Level.YELLOW, "INSERT"),
    ],
)
def test_probe_warns_about_a_writable_account(schema, site_copy, settings, account, level, text):
    settings.BITRIX_MYSQL_URL = site_copy.url(account)
    found = probes.site_copy.run()
    assert found.level == level
    assert text in found.figure
    assert ("SELECT" in found.hint) == (level == Level.YELLOW)
    assert PASSWORDS[account] not in f"{found.figure} {found.hint}"


@only_new
def test_probe_hides_the_password_when_access_is_denied(schema, site_copy, settings):
    settings.BITRIX_MYSQL_URL = site_copy.url("reader").replace(":", ":made-up-", 2).replace("made-up-//", "//")
    found = probes.site_copy.run()
    assert found.level == Level.YELLOW
    assert "Access denied" in found.figure
    assert "made-up" not in f"{found.figure} {found.hint}"


@pytest.mark.parametrize("url", ["mysql://crm:made-up@127.0.0.1:1/site", "nonsense"])
def test_probe_of_unreachable_copy_is_yellow_without_the_password(settings, url):
    settings.BITRIX_MYSQL_URL = url
    found = probes.site_copy.run()
    assert found.level == Level.YELLOW
    assert found.hint
    assert "made-up" not in found.figure


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "level", "text"),
    [
        ({"state": "done", "created": 54}, Level.GREEN, "54 из 54"),
        ({"state": "running", "created": 5, "expected": 54}, Level.GREEN, "5 из 5"),
        ({"state": "done", "created": 53, "failed": 1}, Level.YELLOW, "53 из 54"),
        ({"state": "failed", "created": 53, "error": "нет связи"}, Level.YELLOW, "53 из 53"),
        ({"state": "stopped", "created": 53}, Level.YELLOW, "53 из 53"),
    ],
)
def test_last_import_probe_shows_the_result_of_the_newest_run(values, level, text):
    ImportRun.objects.create(state="failed", started_at=timezone.now() - timedelta(days=1))
    ImportRun.objects.create(finished_at=timezone.now(), **values)
    found = probes.last_import.run()
    assert found.level == level
    assert text in found.figure
    assert bool(found.hint) == (level == Level.YELLOW)
    assert values.get("error", "") in found.hint


@pytest.mark.django_db
def test_last_import_probe_is_green_without_runs():
    found = probes.last_import.run()
    assert (found.level, found.figure) == (Level.GREEN, "ещё не было")
