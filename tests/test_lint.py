"""Tests of the project's own linters: the check of long lines in templates, and the output for pip-audit's report."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _module(name):
    spec = importlib.util.spec_from_file_location(f"lint_{name}", ROOT / "lint" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


templates, audit = _module("templates"), _module("audit")


def test_template_lines_over_160_characters_are_reported(tmp_path):
    (tmp_path / "templates/orders").mkdir(parents=True)
    (tmp_path / "templates/orders/list.html").write_text("x" * 160 + "\n" + "ы" * 161 + "\n")
    (tmp_path / "templates/orders/short.html").write_text("<p></p>\n")
    assert templates.long_lines(tmp_path) == ["templates/orders/list.html:2: 161 characters, at most 160 are allowed"]


def test_templates_of_the_project_have_no_long_lines():
    assert templates.long_lines(ROOT) == []


FINE = {"name": "django", "version": "5.2", "vulns": []}
UNKNOWN = {"name": "pillow", "skip_reason": "not found"}
VULNERABLE = {"name": "requests", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1", "2.2"]}]}


@pytest.mark.parametrize(
    ("report", "status", "output"),
    [
        ([FINE], 0, "pip-audit: no known vulnerabilities\n"),
        ([FINE, VULNERABLE], 1, "requests 2.0: PYSEC-1, fixed in 2.1, 2.2\n"),
        ([FINE, UNKNOWN], 0, "pip-audit: not known to its service: pillow\npip-audit: no known vulnerabilities\n"),
        ([UNKNOWN], 0, f"{audit.NOT_CHECKED}\n"),
        (None, 0, f"{audit.NOT_CHECKED}\n"),
    ],
)
def test_audit_fails_on_vulnerability_and_reports_unchecked_packages(report, status, output, monkeypatch, capsys):
    monkeypatch.setattr(audit, "audit", lambda: json.dumps({"dependencies": report}) if report else "")
    assert audit.main() == status
    assert capsys.readouterr().out == output


def test_weekly_audit_fails_if_nothing_was_checked(monkeypatch):
    monkeypatch.setattr(audit, "audit", lambda: "")
    assert audit.main(["--strict"]) == 1
    monkeypatch.setattr(audit, "audit", lambda: json.dumps({"dependencies": [FINE]}))
    assert audit.main(["--strict"]) == 0
