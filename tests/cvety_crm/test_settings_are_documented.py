"""Tests that `.env.example` and the README list exactly the settings that the code reads."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cvety_crm", "orders", "bitrix_bridge", "notifications")
SET_FOR_LIBRARIES = {"DJANGO_SETTINGS_MODULE", "PTB_TIMEDELTA"}
"""The environment variables that the CRM sets and that libraries read."""
READ = re.compile(r"""env(?:\.\w+)?\(\s*"([A-Z_]+)"|environ(?:\.get\(|\[|\.setdefault\()"([A-Z_]+)\"""")


def settings_in_code():
    found = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "sandbox" not in path.parts:
                found |= {name for match in READ.findall(path.read_text()) for name in match if name}
    return found - SET_FOR_LIBRARIES


def test_env_example_lists_every_setting():
    listed = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    assert listed == settings_in_code()


def test_readme_lists_every_setting():
    table = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "README.md").read_text(), re.M))
    assert table == settings_in_code()


def test_env_example_contains_no_secret():
    text = (ROOT / ".env.example").read_text()
    for name in (
        "SECRET_KEY",
        "WEBHOOK_TOKENS",
        "BITRIX_API_TOKEN",
        "BITRIX_REST_URL",
        "TELEGRAM_BOT_TOKEN",
        "DATABASE_URL",
    ):
        assert re.search(rf"^#?{name}=$", text, re.M), name
