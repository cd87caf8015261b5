"""Tests that the lock files have the pinned versions, with hashes, and nothing from a private index."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[\w+\])?==([^\s;\\]+)", re.M)
LOCKED = re.compile(r"^([a-z0-9._-]+)==([^\s;\\]+)[^\n\\]*\\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M)
ADVICE = "run `make lock`"


def versions(*names):
    """Return the version of each package that these files pin, by its normal name."""
    texts = [(ROOT / name).read_text() for name in names]
    return {re.sub(r"[-_.]+", "-", name).lower(): version for text in texts for name, version in PINNED.findall(text)}


@pytest.mark.parametrize(
    ("lock", "sources"),
    [
        ("requirements.lock", ["requirements.txt"]),
        ("requirements-dev.lock", ["requirements.txt", "requirements-dev.txt", "constraints.txt"]),
    ],
)
def test_lock_has_each_pinned_version(lock, sources):
    locked = versions(lock)
    assert {name: locked.get(name) for name in versions(*sources)} == versions(*sources), ADVICE


def test_both_locks_agree():
    both = versions("requirements-dev.lock")
    assert {name: both.get(name) for name in versions("requirements.lock")} == versions("requirements.lock"), ADVICE


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_each_locked_package_has_hashes_and_no_address(lock):
    text = (ROOT / lock).read_text()
    assert {name for name, _, _ in LOCKED.findall(text)} == {
        line.partition("==")[0] for line in text.splitlines() if re.match(r"[a-z0-9]", line)
    }
    assert "://" not in text
