"""`.env.example` and the README list every setting there is, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("cvety_crm", "orders", "bitrix_bridge", "notifications")
OF_OTHERS = {"DJANGO_SETTINGS_MODULE", "PTB_TIMEDELTA"}
"""Read by libraries, and set by us."""
READ = re.compile(r"""env(?:\.\w+)?\(\s*"([A-Z_]+)"|environ(?:\.get\(|\[|\.setdefault\()"([A-Z_]+)\"""")


def settings_in_code():
    found = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if "sandbox" not in path.parts:
                found |= {name for match in READ.findall(path.read_text()) for name in match if name}
    return found - OF_OTHERS


def test_the_example_lists_every_setting():
    listed = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    assert listed == settings_in_code()


def test_the_readme_lists_every_setting():
    table = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "README.md").read_text(), re.M))
    assert table == settings_in_code()


def test_the_example_holds_no_secret():
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
