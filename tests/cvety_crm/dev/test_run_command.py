"""End-to-end tests of `manage.py run` with all its programs."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest
import requests

from tests.checkout import ROOT, environment


def test_run_starts_receives_orders_and_stops_all_processes(checkout):
    assert checkout.start().status_code == 200
    welcome = checkout.output()
    assert f"http://localhost:{checkout.port}/crm/" in welcome
    assert re.search(r"Log in as +admin, password \S{16} ", welcome)

    # The sandbox knows the webhook URL, and the CRM receives its orders.
    checkout.wait_for(r"site +\| .*webhook order\.create \d+ v\d+: success")
    login = requests.get(f"http://127.0.0.1:{checkout.port}/crm/login/", timeout=30)
    assert login.status_code == 200
    style = re.search(r'href="(/static/[^"]+\.css)"', login.text)[1]
    assert requests.get(f"http://127.0.0.1:{checkout.port}{style}", timeout=30).status_code == 200

    # One program crashes. After that, Ctrl-C stops the other programs. django-q changes the title of its processes if
    # setproctitle is installed.
    worker = next(process for process in checkout.processes() if "qcluster" in " ".join(process.cmdline()))
    os.killpg(os.getpgid(worker.pid), signal.SIGKILL)
    checkout.wait_for(r"worker was ended by SIGKILL\. Starting it again in 1 s\.")
    assert checkout.stop(signal.SIGINT) < 60
    assert checkout.process.returncode == 0
    assert checkout.output().endswith("Stopped.\n")
    checkout.assert_nothing_left()

    # The second run uses the same data, prints no password, and also stops on SIGTERM.
    assert checkout.start().status_code == 200
    assert ", password" not in checkout.output()
    assert checkout.stop(signal.SIGTERM) < 60
    checkout.assert_nothing_left()


def test_commands_in_a_second_terminal_know_the_sandbox(checkout):
    assert checkout.start().status_code == 200

    def command(*arguments):
        call = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            call, cwd=checkout.folder, env=environment(checkout.port), capture_output=True, text=True, timeout=90
        )

    status = command("system_status")
    assert (status.returncode, status.stdout.splitlines()[0]) == (0, "ОБЩИЙ СТАТУС СИСТЕМЫ: ВСЕ СИСТЕМЫ РАБОТАЮТ"), (
        status.stdout + status.stderr
    )
    checkout.wait_for(r"site +\| .*webhook order\.create \d+ v\d+: success")
    for name in ("sync_bitrix_reference", "reconcile_bitrix"):
        result = command(name)
        assert result.returncode == 0, result.stdout + result.stderr
    checkout.stop(signal.SIGINT)
    assert not (checkout.folder / ".sandbox" / "url").exists()


def test_run_that_is_killed_leaves_no_process_and_can_start_again(checkout):
    assert checkout.start().status_code == 200
    checkout.process.kill()
    checkout.process.wait()
    checkout.assert_nothing_left()
    assert checkout.start().status_code == 200
    checkout.stop(signal.SIGINT)


def test_port_in_use_is_reported_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "manage.py", "run"],
            cwd=ROOT,
            # The environment has no settings, because the port is checked before the settings are read.
            env=environment(port) | {"ENV_FILE": "", "EMBEDDED_POSTGRES_DIR": str(tmp_path / "none")},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr == f"Port {port} on 127.0.0.1 is already in use: stop what uses it, or set PORT to another.\n"
    assert result.stdout == ""
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "８００１"])
def test_invalid_port_is_reported_in_one_line(port):
    result = subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=ROOT,
        env=environment(port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == f"PORT must be a number from 1 to 65535, not {port!r}.\n"
