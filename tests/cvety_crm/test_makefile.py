"""Tests that `make help` lists every target, and that setting up again does no unnecessary work."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _make(*arguments, cwd=ROOT, **environment):
    return subprocess.run(
        [shutil.which("make"), "--no-print-directory", *arguments],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_each_target_and_is_the_default():
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split()
    shown = _make("help").stdout
    assert {"help", "run", "test", "lint", "bench", "format", "clean"} <= set(targets)
    for target in targets:
        assert re.search(rf"^  make {target} +\S", shown, re.M), f"make help does not tell {target}"
    assert _make().stdout == shown


def test_without_a_usable_python_says_so_in_one_line(tmp_path):
    for name in ("Makefile", "requirements-dev.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    commands = tmp_path / "commands"
    commands.mkdir()
    for name in ("bash", "touch", "rm"):
        (commands / name).symlink_to(f"/bin/{name}")
    old = commands / "python3"
    # The Makefile asks this command for its version. The command fails, like a Python that is too old.
    old.write_text("#!/bin/bash\nexit 1\n")
    old.chmod(0o755)

    result = _make("setup", cwd=tmp_path, PATH=f"{commands}:{tmp_path}")
    # make itself is started by its path, and the recipe can use only the commands of the test.
    said = [line for line in result.stderr.splitlines() if not line.startswith("make")]
    assert result.returncode != 0
    assert said == ["Cvety CRM needs Python 3.11 or newer, and none was found."]


def test_clean_leaves_the_data(tmp_path):
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    (tmp_path / ".postgres").mkdir()
    (tmp_path / ".env").write_text("SECRET_KEY=mine\n")
    (tmp_path / ".venv").mkdir()
    assert _make("clean", cwd=tmp_path).returncode == 0
    assert (tmp_path / ".postgres").is_dir()
    assert (tmp_path / ".env").exists()
    assert not (tmp_path / ".venv").exists()


def test_texts_are_compiled_when_missing_or_older_than_their_source(tmp_path):
    for name in ("Makefile", "requirements-dev.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    source = tmp_path / "locale/ru/LC_MESSAGES/django.po"
    python = tmp_path / ".venv/bin/python"
    for file in (source, python):
        file.parent.mkdir(parents=True)
        file.touch()
    python.write_text(f'#!/bin/bash\necho "$@"\ntouch {source.with_suffix(".mo")}\n')
    python.chmod(0o755)
    (tmp_path / ".venv/.installed").touch()

    said = [_make("setup", cwd=tmp_path).stdout for _ in range(2)]
    later = source.with_suffix(".mo").stat().st_mtime + 1
    os.utime(source, (later, later))
    said.append(_make("setup", cwd=tmp_path).stdout)
    compiling = "-m cvety_crm.i18n.catalogue\n"
    assert [text.endswith(compiling) for text in said] == [True, False, True]
