"""The settings of an installation without its secrets, which must not lie beside the data."""

import os
import re

from cvety_crm.env_file import BASE_DIR
from cvety_crm.masking import mask

_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|KEY|DSN|IDENTITY|_URL$")
_PUBLIC = frozenset({"PUBLIC_URL", "SITE_URL", "TELEGRAM_BASE_URL"})
_SETTING = re.compile(r"^#?([A-Z][A-Z0-9_]*)=")


def plain_settings() -> str:
    """Return the lines of a settings file with all settings that are set. Those that may be secret have no value."""
    lines = ["# The settings at the time of the backup. Enter the secrets before use."]
    for name in _known_names():
        value = os.environ.get(name)
        if not value:
            continue
        is_secret = (_SECRET.search(name) and name not in _PUBLIC) or mask(value) != value or "\n" in value
        lines.append(f"#{name}=" if is_secret else f"{name}={value}")
    return "\n".join(lines) + "\n"


def _known_names() -> list[str]:
    """Return the names of all settings, from their documentation."""
    text = (BASE_DIR / ".env.example").read_text("utf-8")
    return list(dict.fromkeys(match[1] for line in text.splitlines() if (match := _SETTING.match(line))))
