"""Schemathesis sends requests made up from the OpenAPI description to the live server, with all checks.

The server must answer only as described, accept what the description allows, and refuse what it does not allow.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures import WEBHOOK_TOKEN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PROGRAM = Path(sys.executable).with_name("schemathesis")
OPTIONS = ("--checks", "all", "--max-examples", "40", "--seed", "1", "--no-color", "--workers", "1")


def test_server_does_what_its_description_says(live_server, settings, tmp_path):
    settings.WEBHOOK_RATE = ""
    command = [str(PROGRAM), "run", f"{live_server.url}/docs/schema", *OPTIONS]
    result = subprocess.run(
        [*command, "--header", f"Authorization: Bearer {WEBHOOK_TOKEN}"],
        capture_output=True, text=True, timeout=240, cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-20_000:] + result.stderr[-2_000:]
