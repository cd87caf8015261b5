"""Tests of the `.env` file that the first `make run` writes."""

import stat
import subprocess
import sys

from cvety_crm.dev.first_run import write_env_file


def _values(path):
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_first_run_writes_new_secrets_readable_only_by_owner(tmp_path):
    assert write_env_file(tmp_path / "one")
    assert write_env_file(tmp_path / "two")

    one, two = _values(tmp_path / "one"), _values(tmp_path / "two")
    assert one["DEBUG"] == "on"
    for name in ("SECRET_KEY", "WEBHOOK_TOKENS", "BITRIX_API_TOKEN"):
        assert len(one[name]) >= 32
        assert one[name] != two[name]
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o600


def test_env_file_has_a_comment_above_every_setting(tmp_path):
    write_env_file(tmp_path / ".env")
    lines = (tmp_path / ".env").read_text().splitlines()
    for number, line in enumerate(lines):
        if line and not line.startswith("#"):
            assert lines[number - 1].startswith("#"), f"no comment above {line}"


def test_existing_env_file_is_not_overwritten(tmp_path):
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=mine\n")
    assert not write_env_file(path)
    assert path.read_text() == "SECRET_KEY=mine\n"


def test_first_run_does_not_import_django():
    code = "import cvety_crm.dev.first_run, sys; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
