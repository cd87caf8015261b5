"""Settings of the tests: the settings of the product with made-up secrets, without the developer's `.env`."""

import os

# These values replace those of the developer's shell, so that the shell cannot change the tests.
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
    STATUS_HOLD_SECONDS="0",  # no hold period; the tests of the hold period set their own
)

from cvety_crm.settings import *  # noqa: F403
from cvety_crm.settings import STORAGES as PRODUCT_STORAGES

DEBUG = False

# The default hashers are slow on purpose, and the tests do not need that.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

STORAGES = PRODUCT_STORAGES | {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    # The product's storage needs the manifest of collected static files, and the tests do not collect them.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {
    "default": {"BACKEND": "tests.lasting_cache.LastingCache"},
    "throttle": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "throttle"},
}

# Static files are not collected in tests, and whitenoise warns about the missing folder.
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("whitenoise")]  # noqa: F405
