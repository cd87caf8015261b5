"""Tests that the PHP runs on every version from 7.4 to 8.3.

Interpreters of three of these versions compile the PHP. They are WebAssembly, installed with npm.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.bitrix_bridge.php.site import PHP

FILES = sorted(PHP.glob("*.php"))
INTERPRETERS = Path(__file__).parent / "interpreters"
VERSIONS = {"7-4": "7.4.", "8-1": "8.1.", "8-3": "8.3."}

# The quantity and the price of each item, their new sum, and the new items.
PRICES: list[tuple[list[tuple[float, float]], float, list[tuple[float, float]]]] = [
    ([(1, 7500)], 7500, [(1, 7500)]),
    ([(1, 7500)], 6000, [(1, 6000)]),
    ([(1, 7500)], 0, [(1, 0)]),
    ([(1, 7500), (1, 2500)], 9000, [(1, 6750), (1, 2250)]),
    ([(3, 5000)], 14000, [(1, 4666), (2, 4667)]),
    ([(3, 5000)], 14999, [(1, 4999), (2, 5000)]),
    ([(3, 5000), (1, 1000)], 15000, [(3, 4687), (1, 939)]),
    ([(2, 1999.5)], 3998.5, [(2, 1999.25)]),
    ([(1, 7500)], 7999.99, [(1, 7999.99)]),
    ([(0.5, 3000)], 1400, [(0.5, 2800)]),
    ([(1, 0), (1, 0)], 500, [(1, 250), (1, 250)]),
]


def run(version: str, *files: Path) -> subprocess.CompletedProcess[str]:
    command = ["node", "run.mjs", version, "check.php", *map(str, files)]
    return subprocess.run(command, cwd=INTERPRETERS, capture_output=True, text=True, timeout=120)


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps([{"lines": lines, "goods": goods} for lines, goods, _wanted in PRICES]))
    return path


@pytest.fixture(autouse=True)
def _needs_interpreters() -> None:
    if not (INTERPRETERS / "node_modules").exists():
        pytest.skip("the PHP interpreters are not installed: needs npm")


@pytest.mark.parametrize("version", VERSIONS)
def test_php_compiles_and_computes_the_same_in_each_version(version: str, prices: Path) -> None:
    done = run(version, *FILES, prices)
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["version"].startswith(VERSIONS[version])
    assert (result["notices"], result["unknown"]) == ([], [])
    for (_lines, goods, wanted), found in zip(PRICES, result["prices"], strict=True):
        assert [tuple(line) for line in found] == wanted
        assert round(sum(quantity * price for quantity, price in found), 2) == goods


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("$a?->b();", "syntax error"),
        ("str_contains('a', 'b');", "newer.php: str_contains"),
        ("function f(int|string $a) {}", "syntax error"),
        ("$a = match(1) { 1 => 2 };", "syntax error"),
    ],
)
def test_syntax_newer_than_7_4_is_reported(code: str, complaint: str, tmp_path: Path, prices: Path) -> None:
    newer = tmp_path / "newer.php"
    newer.write_text(f"<?php\n{code}\n")
    done = run("7-4", newer, PHP / "crm-bridge.php", prices)
    assert complaint in done.stdout + done.stderr


def test_both_files_and_their_readme_exist() -> None:
    assert [path.name for path in FILES] == ["crm-bridge.php", "crm-webhook.php"]
    guide = (PHP / "README.md").read_text()
    for name in (
        "PYTHON_CRM_WEBHOOK_URL",
        "PYTHON_CRM_WEBHOOK_TOKEN",
        "CRM_BRIDGE_TOKEN",
        "CRM_BRIDGE_LETTERS",
        "uninstall",
        "cvety_crm_queue",
    ):
        assert name in guide


@pytest.mark.skipif(not shutil.which("php"), reason="needs PHP")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_php_accepts_the_file_without_a_notice(path: Path) -> None:
    checked = subprocess.run(
        ["php", "-d", "error_reporting=-1", "-d", "display_errors=1", "-l", str(path)], capture_output=True, text=True
    )
    assert checked.stdout.strip() == f"No syntax errors detected in {path}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_file_has_no_output_before_or_after_the_php(path: Path) -> None:
    content = path.read_bytes()
    assert content.startswith(b"<?php\n"), "a byte order mark would precede the JSON"
    assert b"?>" not in content
    assert max(len(line) for line in content.decode().splitlines()) <= 120
