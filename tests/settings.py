"""Settings of the tests: those of the product, on made-up secrets and without the developer's `.env`."""

import os

# Set, not defaulted: what a developer has in the shell must not change what is tested.
os.environ.update(
    ENV_FILE="",
    DEBUG="on",  # allows the private PostgreSQL; turned off again below
    SECRET_KEY="made up for the tests",
    WEBHOOK_TOKENS="made-up-webhook-token,made-up-second-token",
    BITRIX_API_URL="",
    BITRIX_API_TOKEN="made-up-bitrix-token",
    BITRIX_REST_URL="",
    BITRIX_MYSQL_URL="",
    TELEGRAM_NOTIFICATIONS_ENABLED="off",
    TELEGRAM_BOT_TOKEN="",
    TELEGRAM_CHAT_ID="",
    STATUS_HOLD_SECONDS="0",  # what it is about is tested with a grace time; the rest need not wait
)

from cvety_crm.settings import *  # noqa: F403
from cvety_crm.settings import STORAGES as PRODUCT_STORAGES

DEBUG = False

# Slow on purpose in the product, and irrelevant here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

STORAGES = PRODUCT_STORAGES | {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    # Tests do not collect static files, and the product's storage insists on their manifest.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {
    "default": {"BACKEND": "tests.lasting_cache.LastingCache"},
    "throttle": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "throttle"},
}

# Nothing is collected for tests, and whitenoise warns of a folder that is not there.
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("whitenoise")]  # noqa: F405
