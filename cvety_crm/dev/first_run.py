"""Writes `.env` for development when there is none: `python -m cvety_crm.dev.first_run`.

Imports no Django, whose settings would ask for what is written here.
"""

import os
import secrets
from pathlib import Path

TEMPLATE = """\
# Made for development on this machine. Every setting is described in .env.example.

# Development: the private PostgreSQL and the stand-in shop site are allowed. Never in production.
DEBUG=on

# Signs sessions. Changing it logs everybody out.
SECRET_KEY={}

# What the site shows with its webhooks; several, separated by commas, while one is being replaced.
WEBHOOK_TOKENS={}

# What the CRM shows to the site when it pushes changes.
BITRIX_API_TOKEN={}
"""


def write_env_file(path: Path) -> bool:
    """Write fresh secrets to `path`, readable by its owner only; return False when the file is already there."""
    text = TEMPLATE.format(*(secrets.token_urlsafe(length) for length in (48, 32, 32)))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return True


if __name__ == "__main__":
    if write_env_file(Path(__file__).resolve().parents[2] / ".env"):
        print("Wrote .env with fresh secrets for development.")
