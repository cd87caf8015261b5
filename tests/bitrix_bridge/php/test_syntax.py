"""The PHP is good for every version from 7.4 on, whichever one runs the tests."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.bitrix_bridge.php.site import PHP

FILES = sorted(PHP.glob("*.php"))

# What came with 8.0 and later; `php -l` of a newer version has no objection to it.
NEWER = {
    "nullsafe": r"\?->",
    "match": r"\bmatch\s*\(",
    "enum": r"^\s*enum\s+\w+",
    "readonly": r"\breadonly\b",
    "promoted properties": r"__construct\([^)]*\b(?:public|private|protected)\b",
    "union types": r"[(,]\s*\??\w+\|\w+[\w|]*\s+\$",
    "union return types": r"\)\s*:\s*\w+\|\w+",
    "named arguments": r"[(,]\s*\w+:\s[^:]",
    "functions": r"\b(?:str_contains|str_starts_with|str_ends_with|array_is_list|get_debug_type|json_validate)\(",
    "catch without a variable": r"catch\s*\([\w\\| ]+\)",
    "throw as an expression": r"(?:\?\?|\?:|=>|&&|\|\|)\s*throw\b",
    "attributes": r"^\s*#\[",
    "types": r":\s*(?:static|mixed|never)\b|\bmixed\s+\$",
    "trailing comma in parameters": r"function\s*\w*\([^)]*,\s*\)",
    "first-class callables": r"\(\.\.\.\)",
    "new in initializers": r"=\s*new\s[^;]*\)\s*\{\s*$",
    "constants in traits and final": r"\bfinal\s+const\b",
}


def code_of(path):
    """The file without comments and texts."""
    script = (
        "foreach (token_get_all(file_get_contents($argv[1])) as $t) {"
        "if (is_array($t) && in_array($t[0], [T_COMMENT, T_DOC_COMMENT])) { echo ' '; continue; }"
        "if (is_array($t) && in_array($t[0], [T_CONSTANT_ENCAPSED_STRING, T_ENCAPSED_AND_WHITESPACE]))"
        " { echo \"''\"; continue; }"
        "echo is_array($t) ? $t[1] : $t; }"
    )
    return subprocess.run(["php", "-r", script, str(path)], capture_output=True, text=True, check=True).stdout


@pytest.fixture(autouse=True)
def _needs_php():
    if not shutil.which("php"):
        pytest.skip("php is not installed")


def test_the_two_files_and_their_guide_are_there():
    assert [path.name for path in FILES] == ["crm-bridge.php", "crm-webhook.php"]
    guide = (PHP / "README.md").read_text()
    for name in (
        "PYTHON_CRM_WEBHOOK_URL",
        "PYTHON_CRM_WEBHOOK_TOKEN",
        "CRM_BRIDGE_TOKEN",
        "uninstall",
        "cvety_crm_queue",
    ):
        assert name in guide


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_php_accepts_it_without_a_notice(path):
    checked = subprocess.run(
        ["php", "-d", "error_reporting=-1", "-d", "display_errors=1", "-l", str(path)], capture_output=True, text=True
    )
    assert checked.stdout.strip() == f"No syntax errors detected in {path}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_newer_than_php_7_4(path):
    code = code_of(path)
    found = {name: re.findall(pattern, code, re.MULTILINE)[:3] for name, pattern in NEWER.items()}
    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_before_the_php_and_nothing_after(path):
    content = path.read_bytes()
    assert content.startswith(b"<?php\n"), "a byte order mark would stand before the JSON"
    assert b"?>" not in content
    assert max(len(line) for line in content.decode().splitlines()) <= 120
