"""Settings of the tests: the settings of production with made-up secrets and without the developer's `.env`."""

import os

# These values replace those of the developer's shell, which must not change the tests.
os.environ.update(
    ENV_FILE="",
    DEBUG="on",  # DEBUG allows the private PostgreSQL. It is turned off again below.
    SECRET_KEY="made up for the tests",
    SECRET_KEY_FALLBACKS="",
    WEBHOOK_TOKENS="made-up-webhook-token,made-up-second-token",
    WEBHOOK_TOKEN="",
    BITRIX_API_URL="",
    BITRIX_API_TOKEN="made-up-bitrix-token",
    BITRIX_REST_URL="",
    BITRIX_PAY_SYSTEMS="1=cash",
    BITRIX_MYSQL_URL="",
    TELEGRAM_NOTIFICATIONS_ENABLED="off",
    TELEGRAM_BOT_TOKEN="",
    TELEGRAM_CHAT_ID="",
    HEARTBEAT_URL="",
    METRICS_TOKEN="",
    SENTRY_DSN="",
    LOG_FORMAT="line",
    STATUS_HOLD_SECONDS="0",  # there is no hold period; the tests of the hold period set their own period
)

from cvety_crm.settings import *  # noqa: F403
from cvety_crm.settings import STORAGES as PRODUCT_STORAGES

DEBUG = False
BITRIX_API_URL = ""  # `make run` may be running in this checkout with a sandbox

# The default hashers are slow on purpose, which the tests do not need.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

STORAGES = PRODUCT_STORAGES | {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    # The storage of production needs the manifest of collected static files, and the tests do not collect them.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {"default": {"BACKEND": "tests.lasting_cache.LastingCache"}}

# A folder that can't be created: each test of pictures has a cache of its own.
PICTURE_CACHE_DIR = "/dev/null/pictures"

# The tests do not collect static files, and whitenoise would warn about the missing folder.
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("whitenoise")]  # noqa: F405
