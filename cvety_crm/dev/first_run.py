"""Write `.env` for development if it does not exist. `python -m cvety_crm.dev.first_run` calls this module.

It does not import Django, because Django's settings require the values that it writes.
"""

import os
import secrets
from pathlib import Path

TEMPLATE = """\
# Generated for development on this machine. Every setting is described in .env.example.

# Development mode: the private PostgreSQL and the sandbox are allowed. Never use it in production.
DEBUG=on

# Signs sessions. Changing it logs all users out.
SECRET_KEY={}

# The token that the site sends with its webhooks. Use several, separated by commas, while you replace one.
WEBHOOK_TOKENS={}

# The token that the CRM sends to the site with its pushes.
BITRIX_API_TOKEN={}

# The payment methods of the sandbox's pay systems.
BITRIX_PAY_SYSTEMS=1=cash,2=card,3=kaspi,4=transfer
"""


def write_env_file(path: Path) -> bool:
    """Write new secrets to `path`, readable only by its owner. Return False if the file already exists."""
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
