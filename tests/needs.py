"""The tools that some tests need besides Python, and the message about tests that were skipped without these tools.

Each such test gets a marker from its folder, its fixtures or the imports of its module, so `-m "not browser"` excludes
the tests with this marker. A test whose tool is missing is skipped with a reason that starts with `needs`.
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import mariadb

PHP_FOLDER = "tests/bitrix_bridge/php/"
_HEADLESS, _WHOLE = Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")
CHROMIUM = _WHOLE if _WHOLE.exists() and not _HEADLESS.exists() else _HEADLESS
"""Chromium without the interface of a desktop, which takes a third of the processor time of the browser tests.

The whole Chromium is used if only that is installed.
"""
INSTALL = "make tools"
REASON = re.compile(r"\bneeds (.+)$")


def marks(item: pytest.Item) -> set[str]:
    """Return the names of a test's own markers, and of the markers that its folder, fixtures and module imply."""
    folder = item.nodeid
    module = vars(getattr(item, "module", None) or object)
    rules = {
        "e2e": folder.startswith("tests/e2e/") or _uses(item, "checkout"),
        "browser": folder.startswith("tests/browser/") or "CHROMIUM" in module,
        "deploy": folder.startswith("tests/deploy/") and not folder.startswith("tests/deploy/test_files"),
        "php": folder.startswith(PHP_FOLDER),
        "mariadb": _needs_mariadb(item),
    }
    return {mark.name for mark in item.iter_markers()} | {name for name, applies in rules.items() if applies}


def _uses(item: pytest.Item, fixture: str) -> bool:
    return fixture in getattr(item, "fixturenames", ())


def _parameter(item: pytest.Item, name: str) -> object:
    call = getattr(item, "callspec", None)
    return call.params.get(name) if call else None


def _is_installed(program: str) -> bool:
    # Programs of administrators are not in the PATH of other users.
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None


def _needs_mariadb(item: pytest.Item) -> bool:
    return (
        _uses(item, "mariadb")
        or item.nodeid.startswith("tests/test_mariadb.py")
        or _parameter(item, "shop_database") == "mariadb"
    )


@dataclass(frozen=True)
class Tool:
    """A program that is not installed with pip."""

    name: str
    is_there: Callable[[], bool]
    is_needed: Callable[[pytest.Item, set[str]], bool]


TOOLS = (
    Tool("MariaDB", mariadb.is_installed, lambda item, marked: "mariadb" in marked),
    Tool("PHP", lambda: shutil.which("php") is not None, lambda item, marked: _uses(item, "make_site")),
    Tool("nginx", lambda: _is_installed("nginx"), lambda item, marked: "deploy" in marked),
    Tool("PgBouncer", lambda: _is_installed("pgbouncer"), lambda item, marked: "deploy" in marked),
    Tool("systemd", lambda: _is_installed("systemd-analyze"), lambda item, marked: _uses(item, "units")),
    Tool("Chromium", CHROMIUM.exists, lambda item, marked: "browser" in marked),
)


def missing_tools(item: pytest.Item, marked: set[str]) -> list[str]:
    """Return the names of the tools that the test needs and that are not installed."""
    return list(dict.fromkeys(tool.name for tool in TOOLS if tool.is_needed(item, marked) and not tool.is_there()))


def summary(reasons: Iterable[str]) -> str:
    """Return one line about all tests that were skipped because a tool is missing, or an empty string."""
    missing = [found[1] for reason in reasons if (found := REASON.search(reason))]
    if not missing:
        return ""
    counted = ", ".join(f"{count} without {name}" for name, count in Counter(missing).most_common())
    noun = "test was" if len(missing) == 1 else "tests were"
    return f"{len(missing)} {noun} skipped: {counted}. To install what is missing: {INSTALL}"
