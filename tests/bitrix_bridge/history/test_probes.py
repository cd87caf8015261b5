"""What the system status says of the copy and of the last import."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bitrix_bridge.history import probes
from bitrix_bridge.models import ImportRun
from cvety_crm.ops.health import Level
from tests.bitrix_bridge.history.tables import Schema
from tests.mariadb import PASSWORDS

only_new = pytest.mark.parametrize("schema", [Schema.NEW], ids=["new"])


def test_no_copy(settings):
    settings.BITRIX_MYSQL_URL = ""
    found = probes.site_copy.run()
    assert (found.level, found.figure, found.hint) == (Level.GREEN, "не настроена", "")


@only_new
@pytest.mark.parametrize(
    ("account", "level", "words"),
    [
        ("reader", Level.GREEN, "только чтение"),
        ("writer", Level.YELLOW, "ALL PRIVILEGES"),
        ("role_reader", Level.YELLOW, "INSERT"),
    ],
)
def test_what_the_account_may_do(schema, site_copy, settings, account, level, words):
    settings.BITRIX_MYSQL_URL = site_copy.url(account)
    found = probes.site_copy.run()
    assert found.level == level
    assert words in found.figure
    assert ("SELECT" in found.hint) == (level == Level.YELLOW)
    assert PASSWORDS[account] not in f"{found.figure} {found.hint}"


@only_new
def test_a_wrong_password_is_not_shown(schema, site_copy, settings):
    settings.BITRIX_MYSQL_URL = site_copy.url("reader").replace(":", ":made-up-", 2).replace("made-up-//", "//")
    found = probes.site_copy.run()
    assert found.level == Level.YELLOW
    assert "Access denied" in found.figure
    assert "made-up" not in f"{found.figure} {found.hint}"


@pytest.mark.parametrize("url", ["mysql://crm:made-up@127.0.0.1:1/site", "nonsense"])
def test_a_copy_that_is_away(settings, url):
    settings.BITRIX_MYSQL_URL = url
    found = probes.site_copy.run()
    assert found.level == Level.YELLOW
    assert found.hint
    assert "made-up" not in found.figure


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "level", "words"),
    [
        ({"state": "done", "created": 54}, Level.GREEN, "54 из 54"),
        ({"state": "running", "created": 5, "expected": 54}, Level.GREEN, "5 из 5"),
        ({"state": "done", "created": 53, "failed": 1}, Level.YELLOW, "53 из 54"),
        ({"state": "failed", "created": 53, "error": "нет связи"}, Level.YELLOW, "53 из 53"),
        ({"state": "stopped", "created": 53}, Level.YELLOW, "53 из 53"),
    ],
)
def test_how_the_last_import_went(values, level, words):
    ImportRun.objects.create(state="failed", started_at=timezone.now() - timedelta(days=1))
    ImportRun.objects.create(finished_at=timezone.now(), **values)
    found = probes.last_import.run()
    assert found.level == level
    assert words in found.figure
    assert bool(found.hint) == (level == Level.YELLOW)
    assert values.get("error", "") in found.hint


@pytest.mark.django_db
def test_no_import_yet():
    found = probes.last_import.run()
    assert (found.level, found.figure) == (Level.GREEN, "ещё не было")
