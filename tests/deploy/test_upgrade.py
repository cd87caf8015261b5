"""Tests of an upgrade while the site sends webhooks, of a release that does not start, and of the way back."""

import os
import time

import pytest

from tests.deploy.senders import Traffic

MIGRATION = '''"""A migration of the next release."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cvety_crm", "{previous}")]
    operations = [migrations.RunSQL("CREATE TABLE drill (id int)", "DROP TABLE drill")]
'''
BEFORE, DURING = 2.0, 1.0  # seconds of traffic


@pytest.fixture(scope="module")
def first(machine):
    """Install the CRM without a limit for webhooks, and return the folder of the release."""
    machine.install_first()
    machine.change_settings(WEBHOOK_RATE="")
    machine.services.call("restart", "cvety-web.service")
    return machine.release


def _folder(machine, service):
    return os.readlink(f"/proc/{machine.services.pid(service)}/cwd")


def _stored(machine):
    rows = machine.query("SELECT payload->>'event_id', action FROM bitrix_webhook_events WHERE action <> 'duplicate'")
    return [event_id for event_id, _action in rows]


def _rollback(machine, *options):
    command = str(machine.root / "opt/cvety-crm/current/deploy/rollback.sh")
    result = machine.run(command, "--root", str(machine.root), *options)
    return result.returncode, result.stdout + result.stderr


def test_upgrades_and_the_way_back_lose_no_webhook(machine, first):
    previous = sorted(path.stem for path in (machine.source / "cvety_crm/migrations").glob("0*.py"))[-1]
    with Traffic(machine) as traffic:
        time.sleep(BEFORE)
        machine.change_version("SECOND = True")
        assert "the CRM runs from" in machine.install()
        second = machine.release
        time.sleep(DURING)
        assert [_folder(machine, service) for service in ("cvety-web", "cvety-worker")] == [str(second)] * 2

        # A release that does not start is not used.
        wsgi = machine.source / "cvety_crm/wsgi.py"
        original = wsgi.read_text()
        wsgi.write_text(original + '\nraise RuntimeError("broken")\n')
        failed = machine.run(str(machine.source / "deploy/install.sh"), "--root", str(machine.root))
        assert failed.returncode == 1
        assert "the one before runs again" in failed.stderr
        assert (machine.release, _folder(machine, "cvety-web")) == (second, str(second))
        wsgi.write_text(original)

        # A release with a migration.
        added = machine.source / "cvety_crm/migrations/9999_drill.py"
        added.write_text(MIGRATION.format(previous=previous))
        machine.install()
        third = machine.release
        refused, reason = _rollback(machine)
        assert (refused, "cvety_crm.9999_drill" in reason, machine.release) == (1, True, third)
        assert _rollback(machine, "--undo")[0] == 0
        assert (machine.release, _folder(machine, "cvety-web")) == (second, str(second))
        assert machine.query("SELECT to_regclass('drill')") == [(None,)]
        time.sleep(DURING)

    assert len({first, second, third}) == 3
    events = traffic.events
    assert dict(traffic.answers) == {"200": len(events)}
    assert sorted(_stored(machine)) == sorted(event.event_id for event in events)
    print(f"{len(events)} webhooks, the slowest answer after {max(event.slowest for event in events):.1f} s")
