"""Rules for all tests.

In CI, where the environment variable CI is set, a skipped test is a failure, because CI has all tools.
"""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from cvety_crm.i18n.catalogue import compile_catalogue, is_compiled
from tests import needs
from tests.emptied_database import django_db_setup  # noqa: F401 - replaces pytest-django's fixture
from tests.kept_database import django_db_modify_db_settings  # noqa: F401 - replaces pytest-django's fixture

# There is no deadline, because the duration of an example depends on the machine.
settings.register_profile("ordinary", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ordinary")
# `--hypothesis-profile=deep` runs 20,000 examples instead of some hundreds, and `make test-fast` runs a few.
settings.register_profile("fast", settings.get_profile("ordinary"), max_examples=20)
settings.register_profile("deep", settings.get_profile("ordinary"), max_examples=20_000)
# `make mutants` repeats the same few examples for each changed line, because only tests with exact assertions are
# measured. It runs a test several times in one process, each time with a different instance of the test's class.
settings.register_profile(
    "mutants", max_examples=10, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)

if not is_compiled():
    compile_catalogue()

pytest_plugins = ["tests.fixtures", "tests.checkout", "tests.write_guard"]

_skipped: list[str] = []


SLOW = (
    "tests/bitrix_bridge/two_systems/",
    "tests/browser/test_every_page",
    "tests/e2e/test_no_echo",
    "tests/e2e/",
    "tests/browser/",
)
"""The modules that take minutes.

They are started first. Otherwise one worker would still run such a module after the others have finished.
"""


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Add the markers of needed tools to a test, for the option `-m`. Skip the test if a tool is not installed."""
    marked = needs.marks(item)
    for name in sorted(marked - {mark.name for mark in item.iter_markers()}):
        item.add_marker(name)
    if missing := needs.missing_tools(item, marked):
        item.add_marker(pytest.mark.skip(reason=f"needs {' and '.join(missing)}"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow modules first. The sequence within each module, and that of the other modules, remains random."""

    def rank(item: pytest.Item) -> int:
        return next((rank for rank, path in enumerate(SLOW) if item.nodeid.startswith(path)), len(SLOW))

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """Collect garbage less often. The modules and tests that are loaded now stay until the end, so they are skipped.

    Garbage collection takes an eighth of the processor time of the tests otherwise.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return 0 if only files are named, because starting workers would take longer than the tests."""
    named = [argument for argument in config.args if "::" in argument or argument.endswith(".py")]
    return 0 if named and named == config.args else 3


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Record each skipped test. With xdist, this function is called for the tests of all workers."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(f"{report.nodeid}: {_reason(report)}")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Record each file that was skipped completely."""
    if report.skipped:
        _skipped.append(f"{report.nodeid}: {_reason(report)}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if CI has skipped a test."""
    if (
        os.environ.get("CI")
        and _skipped
        and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """In CI, list the skipped tests that failed the run. Without CI, print one line about tests with missing tools."""
    if os.environ.get("CI") and _skipped:
        terminalreporter.section("skipped tests fail in CI", red=True)
        for line in dict.fromkeys(_skipped):
            terminalreporter.line(line)
    elif line := needs.summary(_skipped):
        terminalreporter.line(line, yellow=True)
