"""End-to-end tests of short benchmark runs. The tests do not check the measured times."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_short_webhook_benchmark_runs_and_drops_its_database():
    command = [sys.executable, "-m", "bench", "--requests=20", "--connections=1", "--warm-up=10", "--counted=5"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"WEB_CONCURRENCY": "2"}, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^webhook +1 +\d+", done.stdout, re.M), done.stdout
    assert re.search(r"^baseline +1 +\d+", done.stdout, re.M), done.stdout
    assert re.search(r"order\.create +\d+", done.stdout)
    assert "Traceback" not in done.stderr, done.stderr
    assert "cvety_bench" not in _databases()


def test_short_benchmark_of_peers_runs_and_drops_its_databases():
    sizes = ["--requests=10", "--connections=2", "--rounds=1", "--warm-up=2", "--counted=5"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--peers", *sizes],
        cwd=ROOT,
        env=os.environ | {"WEB_CONCURRENCY": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    for receiver in ("CRM", "CRM, stored first", "plain Django", "pgbench"):
        assert re.search(rf"^{receiver} +2 +\d+", done.stdout, re.M), done.stdout
    for receiver in ("CRM", "plain Django"):
        assert re.search(rf"^{receiver} +[\d.]+ +[\d.]+$", done.stdout, re.M), done.stdout
    assert not {"cvety_bench", "cvety_bench_plain"} & _databases()


def test_short_comparison_benchmark_runs():
    command = [sys.executable, "-m", "bench", "--reconcile", "100", "200"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^ +(\d+) ", done.stdout, re.M) == ["100", "200"], done.stdout


@pytest.mark.mariadb
def test_short_import_benchmark_runs():
    command = [sys.executable, "-m", "bench", "--import", "20", "50", "--batch-size", "25"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^ +(\d+) ", done.stdout, re.M) == ["20", "30"], done.stdout


def _databases():
    import psycopg
    from django.db import connection

    parameters = connection.get_connection_params()
    with psycopg.connect(
        host=parameters["host"], port=parameters["port"], user=parameters["user"], dbname="postgres"
    ) as maintenance:
        return {name for (name,) in maintenance.execute("SELECT datname FROM pg_database")}
