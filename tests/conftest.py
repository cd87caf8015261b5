"""Rules for all tests. In CI (environment variable CI) a skipped test is a failure: CI has all that tests need."""

import os

import pytest
from hypothesis import settings

# `--hypothesis-profile=deep`: twenty thousand examples where the ordinary run takes its hundreds.
settings.register_profile("deep", max_examples=20_000)

pytest_plugins = ["tests.fixtures", "tests.checkout", "tests.write_guard"]

_skipped: list[str] = []


SLOW = (
    "tests/bitrix_bridge/two_systems/",
    "tests/browser/test_every_page",
    "tests/e2e/test_no_echo",
    "tests/e2e/",
    "tests/browser/",
)
"""Modules that take minutes: begun first, so that no worker is left alone with one at the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow modules first; the order within each, and of all others, stays random."""

    def rank(item: pytest.Item) -> int:
        return next((rank for rank, path in enumerate(SLOW) if item.nodeid.startswith(path)), len(SLOW))

    items.sort(key=rank)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note each skipped test; with xdist the reports of all workers pass here."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(f"{report.nodeid}: {_reason(report)}")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note files skipped whole."""
    if report.skipped:
        _skipped.append(f"{report.nodeid}: {_reason(report)}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn the run red when CI skipped something."""
    if (
        os.environ.get("CI")
        and _skipped
        and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what made the run red."""
    if os.environ.get("CI") and _skipped:
        terminalreporter.section("skipped tests fail in CI", red=True)
        for line in dict.fromkeys(_skipped):
            terminalreporter.line(line)
