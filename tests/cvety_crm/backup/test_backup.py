"""Tests of `manage.py backup` and `manage.py restore` with PostgreSQL's own programs."""

import json
import os
import subprocess
import tarfile
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from cvety_crm.backup import archive, probes, running
from cvety_crm.backup.retention import name_of
from cvety_crm.models import Heartbeat
from cvety_crm.ops.health import Level
from cvety_crm.ops.row_level_security import unprotected_tables
from notifications.models import TelegramMessage
from orders.models import Customer, Order
from tests import scratch_database
from tests.cvety_crm.backup import bucket_server
from tests.kept_database import ensure_template
from tests.samples import order_data

pytestmark = pytest.mark.slow


@pytest.fixture
def installation(django_db_setup, django_db_blocker, settings, tmp_path):
    """Let Django use an installation with its own database, uploaded files and folder of backups."""
    user = connection.settings_dict["USER"]
    settings.MEDIA_ROOT, settings.BACKUP_TARGET = str(tmp_path / "media"), str(tmp_path / "backups")
    (tmp_path / "media" / "photos").mkdir(parents=True)
    (tmp_path / "media" / "photos" / "букет.jpg").write_bytes(b"made-up photo")
    (tmp_path / "media" / "reports").mkdir()
    (tmp_path / "media" / "reports" / "sent.csv").write_bytes(b"not saved")
    with django_db_blocker.unblock():
        template = ensure_template()
        with scratch_database.database("shop", template) as name, scratch_database.connected(name, user):
            Customer.objects.create(name="Айгерім", phone="+77771234567")
            yield tmp_path


@pytest.fixture
def other_database(installation):
    """Return a context in which Django uses an empty database."""

    def empty():
        return scratch_database.database("other")

    return empty


@pytest.fixture
def bucket(settings):
    with bucket_server.running() as bucket:
        settings.BACKUP_TARGET = "s3://shop-backups/crm"
        settings.BACKUP_S3_ENDPOINT, settings.BACKUP_S3_REGION = bucket.url, "us-east-1"
        settings.BACKUP_S3_KEY, settings.BACKUP_S3_SECRET = bucket_server.ACCESS_KEY, "made-up-secret-of-the-bucket"
        yield bucket


def backups(folder):
    return sorted((folder / "backups").iterdir())


def test_backup_is_a_private_file_with_everything_but_secrets(installation, settings, monkeypatch):
    monkeypatch.setenv("SITE_URL", "https://cvety.example.kz")
    monkeypatch.setenv("WEBHOOK_TOKENS", "made-up-token")
    monkeypatch.setenv("DATABASE_URL", "postgres://crm:made-up-password@db/crm")
    call_command("backup")
    (file,) = backups(installation)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    with tarfile.open(file) as tar:
        assert tar.getnames() == ["database.dump", "settings.env", "media/photos/букет.jpg", "manifest.json"]
        manifest = json.load(tar.extractfile("manifest.json"))
        stored_settings = tar.extractfile("settings.env").read().decode()
    assert manifest["rows"]["public.users"] == 1
    assert manifest["files"] == 1
    assert "SITE_URL=https://cvety.example.kz\n" in stored_settings
    assert "#WEBHOOK_TOKENS=\n" in stored_settings
    assert "made-up" not in stored_settings


def test_backup_is_restored_into_an_empty_installation_only(installation, settings, post_webhook, other_database):
    post_webhook("order.create", order_data())
    call_command("backup")
    (file,) = backups(installation)
    with pytest.raises(CommandError, match="не пуста"):
        call_command("restore", str(file))
    settings.MEDIA_ROOT = str(installation / "new_media")
    user = connection.settings_dict["USER"]
    with other_database() as name, scratch_database.connected(name, user):
        call_command("restore", str(file))
        assert (Order.objects.get().bitrix_order_id, Customer.objects.count()) == (122183, 1)
        assert unprotected_tables(connection) == []
        call_command("migrate", verbosity=0, check_unapplied=True)
        call_command("migrate", verbosity=0)
        post_webhook("order.update", order_data(STATUS_ID="AP", VERSION="2", DATE_UPDATE="2025-08-25 12:00:01"))
        assert Order.objects.get().status_id == "accepted"
    assert (installation / "new_media" / "photos" / "букет.jpg").read_bytes() == b"made-up photo"


def test_backup_is_not_restored_over_uploaded_files(installation, other_database):
    call_command("backup")
    (file,) = backups(installation)
    with other_database() as name, scratch_database.connected(name):
        with pytest.raises(CommandError, match="media"):
            call_command("restore", str(file))
        assert connection.introspection.table_names() == []


def test_drill_restores_the_latest_backup_and_leaves_no_database(installation, capsys):
    with pytest.raises(CommandError):
        call_command("backup", drill=True)
    call_command("backup")
    call_command("backup", drill=True)
    (file,) = backups(installation)
    assert file.name in capsys.readouterr().out.splitlines()[-1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'cvety_drill_%%'")
        assert cursor.fetchone() == (0,)
    assert Heartbeat.last("backup drill") is not None


def test_drill_fails_if_a_table_has_other_rows_than_when_it_was_dumped(installation, monkeypatch):
    dump = archive.dump_database
    monkeypatch.setattr(archive, "dump_database", lambda file: dump(file) | {"public.users": 2})
    call_command("backup")
    with pytest.raises(CommandError, match=r"public\.users"):
        call_command("backup", drill=True)
    assert Heartbeat.last("backup drill") is None


def test_drill_fails_if_the_file_is_cut_off(installation):
    call_command("backup")
    (file,) = backups(installation)
    file.write_bytes(file.read_bytes()[:-20_000])
    with pytest.raises(CommandError):
        call_command("backup", drill=True)


def test_encrypted_backup_needs_the_secret_key(installation, settings, tmp_path):
    identity = pyrage.x25519.Identity.generate()
    settings.BACKUP_RECIPIENTS = [str(identity.to_public())]
    (tmp_path / "backup.key").write_text(f"# created: today\n{identity}\n")
    (tmp_path / "other.key").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    call_command("backup")
    (file,) = backups(installation)
    assert file.name.endswith(".tar.age")
    assert file.read_bytes().startswith(b"age-encryption.org/")
    for key in (None, tmp_path / "other.key", tmp_path / "missing.key"):
        with pytest.raises(CommandError) as caught:
            call_command("backup", drill=True, identity=key)
        assert "AGE-SECRET" not in str(caught.value)
    call_command("backup", drill=True, identity=tmp_path / "backup.key")


def test_wrong_key_stops_the_backup_and_stores_nothing(installation, settings):
    settings.BACKUP_RECIPIENTS = ["age1notakey"]
    with pytest.raises(CommandError, match="BACKUP_RECIPIENTS"):
        call_command("backup")
    assert not (installation / "backups").exists()


def test_backup_is_stored_in_a_bucket_and_fetched_from_it(installation, bucket, monkeypatch, capsys):
    old = name_of(timezone.now() - timedelta(days=1000), is_encrypted=False)
    recent = [name_of(timezone.now() - timedelta(days=day), is_encrypted=False) for day in range(200, 190, -1)]
    bucket.files |= {f"crm/{name}": b"old" for name in [old, *recent]} | {"other/notes.txt": b"not ours"}
    call_command("backup")
    names = [key.removeprefix("crm/") for key in bucket.files if key.startswith("crm/")]
    assert recent[0] not in names
    assert "other/notes.txt" in bucket.files
    call_command("backup", drill=True)
    capsys.readouterr()
    call_command("backup", list=True)
    newest, *_others = capsys.readouterr().out.split()
    monkeypatch.chdir(installation)
    call_command("backup", fetch=newest)
    assert (installation / newest).read_bytes() == bucket.files[f"crm/{newest}"]
    assert (installation / newest).stat().st_mode & 0o777 == 0o600
    assert bucket.requests[0].startswith("PUT /shop-backups/crm/cvety-crm-")


def test_refusing_bucket_is_one_line_without_the_secret(installation, bucket):
    bucket.refuses = True
    with pytest.raises(CommandError) as caught:
        call_command("backup")
    assert "\n" not in str(caught.value)
    assert "made-up-secret" not in str(caught.value)
    assert Heartbeat.last("backup") is None


def test_failure_of_the_nightly_backup_is_an_alert(installation, settings, tmp_path):
    settings.TELEGRAM_NOTIFICATIONS_ENABLED, settings.TELEGRAM_BOT_TOKEN = True, "1:made-up"
    settings.TELEGRAM_ALERT_CHAT_ID = "-1"
    (tmp_path / "backups").write_text("a file in place of the folder")
    with pytest.raises(CommandError):
        call_command("backup", scheduled=True)
    assert "Резервная копия" in TelegramMessage.objects.get(kind="alert").text


def test_night_job_starts_the_command_as_a_process_of_its_own(installation, settings, monkeypatch):
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: started.append((command, options)))
    running.start_nightly()
    ((command, options),) = started
    assert command[-2:] == ["backup", "--scheduled"]
    assert options["start_new_session"] is True
    settings.BACKUP_TARGET = ""
    running.start_nightly()
    assert len(started) == 1


def program(folder: Path, version: str, script: str = "") -> None:
    folder.mkdir(exist_ok=True)
    file = folder / "pg_dump"
    file.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) {version}" && exit\n{script}\n')
    file.chmod(0o755)


def test_too_old_program_is_refused_with_both_versions(installation, settings, monkeypatch, tmp_path):
    program(tmp_path / "old", "9.6.24")
    settings.POSTGRES_PROGRAMS = str(tmp_path / "old")
    monkeypatch.setenv("PATH", "/made-up")
    monkeypatch.setattr("cvety_crm.backup.postgres._DEBIAN", tmp_path / "nothing")
    with pytest.raises(CommandError, match=r"pg_dump здесь: 9\. .*postgresql-client-\d+"):
        call_command("backup")
    assert not (installation / "backups").exists()


def test_password_is_not_on_the_command_line(installation, settings, monkeypatch, tmp_path):
    program(
        tmp_path / "new", "99.0", f'echo "$@" > {tmp_path}/arguments; env > {tmp_path}/environment; echo no >&2; exit 1'
    )
    settings.POSTGRES_PROGRAMS = str(tmp_path / "new")
    monkeypatch.setattr("cvety_crm.backup.postgres._DEBIAN", tmp_path / "nothing")
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "made-up-password")
    with pytest.raises(CommandError, match="pg_dump: no"):
        call_command("backup")
    assert "made-up-password" not in (tmp_path / "arguments").read_text()
    assert "PGPASSWORD=made-up-password" in (tmp_path / "environment").read_text()
    assert "--schema=public" in (tmp_path / "arguments").read_text()


@pytest.mark.django_db
class TestProbe:
    @pytest.mark.parametrize(
        ("backup_hours", "drill_days", "level"),
        [(2, 3, Level.GREEN), (40, 3, Level.YELLOW), (80, 3, Level.RED), (2, 50, Level.YELLOW), (2, None, Level.YELLOW),
         (None, None, Level.RED)],
    )  # fmt: skip
    def test_level_follows_the_ages(self, settings, backup_hours, drill_days, level):
        settings.BACKUP_TARGET = "/made-up"
        for name, age in (("backup", backup_hours), ("backup drill", drill_days and drill_days * 24)):
            if age is not None:
                Heartbeat.objects.create(name=name, beat_at=timezone.now() - timedelta(hours=age))
        found = probes.last_backup.run()
        assert found.level == level
        assert bool(found.hint) is (level != Level.GREEN)

    def test_missing_backups_are_a_remark(self, settings):
        assert probes.last_backup.run().level == Level.YELLOW
