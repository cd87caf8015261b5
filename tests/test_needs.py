"""Tests of the markers of tests, of the summary of skipped tests, and of the fingerprint of the kept database."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest, kept_database, needs


def _item(nodeid, *fixtures, module=None, marks=(), **params):
    return SimpleNamespace(
        nodeid=nodeid,
        fixturenames=fixtures,
        module=module or SimpleNamespace(),
        callspec=SimpleNamespace(params=params),
        iter_markers=lambda: [SimpleNamespace(name=name) for name in marks],
    )


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (_item("tests/orders/test_board.py::test_one", "db"), set()),
        (_item("tests/e2e/test_crashes.py::test_one"), {"e2e"}),
        (_item("tests/cvety_crm/test_run_command.py::test_one", "checkout"), {"e2e"}),
        (_item("tests/browser/test_photos.py::test_one"), {"browser"}),
        (_item("tests/e2e/test_board.py::test_one", module=SimpleNamespace(CHROMIUM="")), {"e2e", "browser"}),
        (_item("tests/bitrix_bridge/php/test_bridge.py::test_one", shop_database="sqlite"), {"php"}),
        (_item("tests/bitrix_bridge/php/test_bridge.py::test_one", shop_database="mariadb"), {"php", "mariadb"}),
        (_item("tests/bitrix_bridge/history/test_import.py::test_one", "mariadb"), {"mariadb"}),
        (_item("tests/test_mariadb.py::test_one", "server"), {"mariadb"}),
        (_item("tests/e2e/test_bench.py::test_one", marks=["mariadb"]), {"e2e", "mariadb"}),
    ],
)
def test_markers_are_set_from_folder_fixtures_and_module(item, expected):
    assert needs.marks(item) == expected


def test_missing_tools_of_a_test_are_listed_once_each(monkeypatch):
    item = _item("tests/bitrix_bridge/php/test_bridge.py::test_one", "make_site", shop_database="mariadb")
    monkeypatch.setattr(needs.shutil, "which", lambda *_args, **_options: None)
    assert needs.missing_tools(item, needs.marks(item)) == ["MariaDB", "PHP"]


def test_summary_of_skipped_tests_has_counts_and_the_install_command():
    reasons = ["a: needs PHP", "b: Skipped: needs PHP", "c: needs MariaDB and PHP", "d: another reason"]
    assert needs.summary(reasons) == (
        "3 tests were skipped: 2 without PHP, 1 without MariaDB and PHP. To install what is missing: make tools"
    )
    assert needs.summary(reasons[:1]).startswith("1 test was skipped: 1 without PHP.")
    assert needs.summary(["d: another reason"]) == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["tests/orders/test_board.py"], 0),
        (["tests/orders/test_board.py::test_one", "tests/orders/test_undo.py"], 0),
        (["tests/orders"], 3),
        (["tests/orders", "tests/orders/test_board.py"], 3),
        ([], 3),
    ],
)
def test_worker_count_is_zero_only_when_all_arguments_are_files(arguments, expected):
    config: Any = SimpleNamespace(args=arguments)
    assert conftest.pytest_xdist_auto_num_workers(config) == expected


def test_database_fingerprint_changes_with_migrations_their_imports_and_requirements(tmp_path):
    for name in ("requirements.txt", "constraints.txt", "app/migrations/0001.py", "app/roles.py", "app/views.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "app/migrations/0001.py").write_text("from app.roles import ROLES\nfrom django.db import models\n")

    seen = [kept_database.fingerprint(tmp_path)]
    for name in ("requirements.txt", "app/roles.py", "app/migrations/0002.py"):
        (tmp_path / name).write_text("CHANGED = 1")
        seen.append(kept_database.fingerprint(tmp_path))
    assert len(set(seen)) == 4

    (tmp_path / "app/views.py").write_text("CHANGED = 1")
    assert kept_database.fingerprint(tmp_path) == seen[-1]


@pytest.mark.django_db
def test_test_database_is_created_from_the_kept_template(django_db_setup):
    name = kept_database.ensure_template()
    assert name == kept_database.PREFIX + kept_database.fingerprint(kept_database.ROOT)
    assert kept_database.connection.settings_dict["TEST"]["TEMPLATE"] == name
