"""The settings, which are read from the environment and from `.env`. `.env.example` lists all of them.

If DEBUG is on (development), a private PostgreSQL and the sandbox may be used. If DEBUG is off and a required secret or
URL is missing, the CRM does not start, and prints one line with the name of the setting.
"""

import re
import sys
from typing import NoReturn

from django.templatetags.static import static

from cvety_crm.env_file import BASE_DIR, read_env_file

env = read_env_file()


def _missing(name: str) -> NoReturn:
    # Exit without an exception, so that the message is one line and not a traceback.
    sys.exit(f"{name} is not set. Set it in the environment or in .env (see .env.example).")


def _check_length(name: str, secret: str, length: int) -> None:
    """Exit if a secret of an installation in production is so short that it can be guessed."""
    if len(secret) < length and not DEBUG:
        sys.exit(f"{name} is too short: it needs at least {length} random characters.")


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or _missing("SECRET_KEY")
_check_length("SECRET_KEY", SECRET_KEY, 50)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
"""Earlier values of SECRET_KEY, whose sessions and links still count."""
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://localhost:{env.int('PORT', default=8001)}").rstrip("/")
"""The URL of the CRM for staff, used in links outside the CRM, such as links in Telegram messages."""
HAS_PUBLIC_URL = bool(env.str("PUBLIC_URL", default=""))

# --- Apps ------------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # Unfold's default app would replace the admin site
    "unfold.contrib.filters",
    "cvety_crm.admin_site.site.CrmAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "cvety_crm",
    "orders",
    "bitrix_bridge",
    "notifications",
]

ORDER_EVENT_HANDLERS = [
    "orders.services.payment_rows.on_order_changes",
    "bitrix_bridge.outbound.queueing.on_order_changes",
    "notifications.queueing.on_order_changes",
]
"""The functions that `orders.events` calls in the transaction of changes. They may only insert rows."""

STATUS_UNDONE_HANDLERS = [
    "bitrix_bridge.outbound.queueing.on_status_undone",
    "notifications.queueing.on_status_undone",
]
"""The functions that delete the entries queued for a status, called in the transaction that undoes the status."""

CUSTOMER_DATA_SOURCES = [
    "bitrix_bridge.customer_data.data_of",
    "notifications.customer_data.data_of",
]
CUSTOMER_ERASED_HANDLERS = [
    "bitrix_bridge.customer_data.erase",
    "notifications.customer_data.erase",
]
"""The functions that return, and that erase, what other apps store about a customer (`orders.events`)."""

ALERT_HANDLERS = ["notifications.queueing.on_alert"]
"""The functions that are called with each alert for staff, for example about a failed push or an unknown status."""

ORDER_PAGE_PANELS = [
    "bitrix_bridge.admin.order_panels.clocks",
    "bitrix_bridge.admin.order_panels.differences",
    "bitrix_bridge.admin.order_panels.damaged",
    "bitrix_bridge.admin.order_panels.pushes",
    "notifications.order_panel.messages",
]
"""The panels that other apps add to the page of an order (`orders.admin.panels`)."""

ORDER_EVENT_LINKS = {
    "webhook_event_id": ("bitrix_bridge.view_webhookevent", "admin:bitrix_bridge_webhookevent_change"),
    "push_id": ("bitrix_bridge.view_push", "admin:bitrix_bridge_push_change"),
}
"""The permission to view the page of each id in a timeline entry, and the name of the page's URL."""

EXPORTED_LISTS = {
    "order": "orders.admin.exports.lists.listed_orders",
    "customer": "orders.admin.exports.lists.listed_customers",
    "product": "orders.admin.exports.lists.listed_products",
    "report": "orders.admin.exports.lists.report_scope",
}
"""The functions that find the rows of a list or of a report for an export (`orders.export.tables.listed`)."""

EXPORT_TABLES = ["bitrix_bridge.admin.exchange_export.exchange_exports"]
"""The functions that yield exported tables of other apps (`orders.export.tables`)."""

REPORT_TELEGRAM_SENDER = "notifications.telegram.send_file"
REPORT_TELEGRAM_CHATS = "notifications.recipients.report_chats"
"""The function that sends a report to a Telegram chat, and the one that returns the chats to choose from."""

REFERENCE_REFRESH = "bitrix_bridge.reference.refresh_now"
"""The function that the button on the lists of reference data calls."""

MINUTE_JOBS = [
    "bitrix_bridge.outbound.queueing.queue_missed",
    "cvety_crm.outbox.deliver_due",
    "bitrix_bridge.inbound.inbox.retry_due",
    "bitrix_bridge.inbound.queue_processing.pick_up_queued",
    "bitrix_bridge.refetch.refetch_due",
    "bitrix_bridge.reference.name_stubs",
    "orders.services.report_schedules.start_due",
    "orders.services.bulk.slices.pick_up",
    "orders.export.worker.pick_up",
    "bitrix_bridge.reconciliation.slices.pick_up",
    "bitrix_bridge.reconciliation.slices.start_recent",
    "bitrix_bridge.history.slices.pick_up",
    "orders.services.sort_shared_accounts",
    "orders.services.customer_totals.renew_changed_totals",
    "notifications.registration.register_url",
    "bitrix_bridge.public_url.knock_each_minute",
]
DAILY_JOBS = [
    "cvety_crm.ops.retention.prune",
    "cvety_crm.ops.retention.prune_outbox",
    "cvety_crm.sign_in.log.prune",
    "orders.services.presence.prune",
    "orders.services.phone_looks.prune",
    "orders.services.bulk.slices.prune",
    "orders.services.exports.delete_expired",
    "orders.services.report_schedules.prune",
    "orders.product_pictures.retention.prune",
    "orders.services.customer_totals.renew_all_totals",
    "bitrix_bridge.retention.prune_inbox",
    "bitrix_bridge.retention.prune_import_rows",
    "bitrix_bridge.reconciliation.slices.prune",
    "bitrix_bridge.reference.refresh_daily",
]
HOURLY_JOBS = ["bitrix_bridge.reconciliation.slices.start_hourly"]
NIGHT_JOBS = [
    "cvety_crm.backup.running.start_nightly",
    "bitrix_bridge.reconciliation.slices.start_nightly",
    "cvety_crm.ops.sanity.check_nightly",
]
"""The scheduled jobs of the worker (`cvety_crm.ops.schedules`). They run in this sequence, the most urgent first."""

SANITY_CHECKS = [
    "orders.selectors.contradictions.order_checks",
    "bitrix_bridge.sanity.exchange_checks",
    "cvety_crm.ops.sanity_checks.outbox_checks",
    "cvety_crm.long_runs.sanity.run_checks",
]
"""The functions that return the checks of `manage.py sanity_check` (`cvety_crm.ops.sanity`)."""

METRICS = [
    "cvety_crm.ops.metrics.worker_metrics",
    "cvety_crm.ops.metrics.outbox_metrics",
    "bitrix_bridge.metrics.exchange_metrics",
]
"""The functions that yield what `/metrics` reads from the database (`cvety_crm.ops.metrics`)."""

HEALTH_BASIC_PROBES = ["cvety_crm.ops.probes.database", "cvety_crm.ops.probes.migrations"]
"""The probes of the public page `/health`. They are cheap, and the page shows only whether they succeed."""

HEALTH_PROBES = [
    *HEALTH_BASIC_PROBES,
    "cvety_crm.ops.probes.worker",
    "cvety_crm.ops.probes.outside",
    "cvety_crm.ops.probes.sanity",
    "cvety_crm.backup.probes.last_backup",
    "bitrix_bridge.probes.webhook_endpoint",
    "bitrix_bridge.public_url.public_endpoint",
    "bitrix_bridge.probes.last_event",
    "bitrix_bridge.probes.inbox",
    "bitrix_bridge.probes.push_queue",
    "bitrix_bridge.probes.failed_pushes",
    "bitrix_bridge.probes.site_statuses",
    "bitrix_bridge.probes.pay_systems",
    "bitrix_bridge.probes.lag_in",
    "bitrix_bridge.probes.site_clock",
    "bitrix_bridge.probes.lag_out",
    "bitrix_bridge.probes.bridge",
    "bitrix_bridge.probes.storage",
    "bitrix_bridge.probes.rest",
    "orders.product_pictures.probes.pictures",
    "bitrix_bridge.reconciliation.probes.lost_events",
    "bitrix_bridge.reconciliation.probes.last_run",
    "bitrix_bridge.history.probes.site_copy",
    "bitrix_bridge.history.probes.last_import",
    "notifications.probes.telegram",
    "notifications.probes.undelivered",
    "orders.report_sending.probes.email",
    "orders.report_sending.probes.undelivered",
]
"""All health probes (`cvety_crm.ops.health`), sorted as they are shown."""

MIDDLEWARE = [
    "cvety_crm.correlation.add_request_id",
    "django.middleware.security.SecurityMiddleware",
    "cvety_crm.security_headers.add_security_headers",
    "cvety_crm.request_addresses.refuse_null_characters",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "cvety_crm.compression.PageCompression",
    "cvety_crm.sign_in.session_store.DeviceSessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "cvety_crm.drafts.SavedDrafts",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "cvety_crm.urls"
WSGI_APPLICATION = "cvety_crm.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "jinja2"],
        "OPTIONS": {"environment": "orders.admin.rows.jinja_environment.environment"},
    },
]

# --- Printed documents -----------------------------------------------------------------------------------------------

DISPATCHER_PHONE = env.str("DISPATCHER_PHONE", default="")
"""The phone number for couriers, printed on the route sheet."""

# --- Exports ---------------------------------------------------------------------------------------------------------

ACCOUNTING_VAT = env.str("ACCOUNTING_VAT", default="")
"""The text in the column of the VAT rate of the table for 1C, such as `Без НДС` or `12%`. The column may be empty."""

# --- The day board ----------------------------------------------------------------------------------------------------

FLORISTS = env.int("FLORISTS", default=3)
BOUQUETS_PER_FLORIST_HOUR = env.float("BOUQUETS_PER_FLORIST_HOUR", default=3.0)
COURIERS = env.int("COURIERS", default=4)
DELIVERIES_PER_COURIER_HOUR = env.float("DELIVERIES_PER_COURIER_HOUR", default=2.0)
"""The capacity of the shop in an hour. If it is 0, the day board does not compare orders with the capacity."""
if min(FLORISTS, BOUQUETS_PER_FLORIST_HOUR, COURIERS, DELIVERIES_PER_COURIER_HOUR) < 0:
    sys.exit("FLORISTS, BOUQUETS_PER_FLORIST_HOUR, COURIERS and DELIVERIES_PER_COURIER_HOUR must be numbers from 0 on.")

# --- Photos ---------------------------------------------------------------------------------------------------------

PHOTO_LINK_DAYS = env.int("PHOTO_LINK_DAYS", default=3)
"""The number of days for which a customer's link to the photos of their bouquet is valid."""
if not 1 <= PHOTO_LINK_DAYS <= 90:
    sys.exit("PHOTO_LINK_DAYS must be a number of days from 1 to 90.")

# --- Pictures of products ---------------------------------------------------------------------------------------------

SITE_URL = env.str("SITE_URL", default="").rstrip("/")
"""The URL of the shop's site, from which pictures of products are fetched.

If it is empty, it is the scheme and the host of BITRIX_API_URL or BITRIX_REST_URL.
"""
PICTURE_HOSTS = [host.lower() for host in env.list("PICTURE_HOSTS", default=[])]
"""Other hosts from which pictures of products may be fetched, such as `cdn.example.kz` or `cdn.example.kz:8443`."""
PICTURE_CACHE_DIR = env.str("PICTURE_CACHE_DIR", default=str(BASE_DIR / ".cache" / "pictures"))
PICTURE_CACHE_MB = env.int("PICTURE_CACHE_MB", default=500)
"""The size to which the cache of pictures is reduced each day, in MB."""
if PICTURE_CACHE_MB < 1:
    sys.exit("PICTURE_CACHE_MB must be a number of megabytes from 1.")

# --- The database ----------------------------------------------------------------------------------------------------


def _database_url() -> str:
    url = env.str("DATABASE_URL", default="")
    if url:
        return url
    if not DEBUG:
        _missing("DATABASE_URL")
    from cvety_crm.dev import embedded_postgres

    return embedded_postgres.database_url()


DATABASES = {
    "default": {
        **env.db_url_config(_database_url()),
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=600),  # seconds
        "CONN_HEALTH_CHECKS": True,
        # In transaction mode, Supabase's pooler does not preserve server-side cursors and prepared statements between
        # transactions.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    sys.exit("DATABASE_URL must name a PostgreSQL database (postgres://…).")
DATABASES["default"]["ENGINE"] = "cvety_crm.postgresql"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

THROTTLE_CACHE_DIR = env.str("THROTTLE_CACHE_DIR", default=str(BASE_DIR / ".cache" / "throttle"))
"""The folder of the counters of the rate limits, which all web processes of a machine share."""

# --- The adoption of the earlier CRM's database -----------------------------------------------------------------------

ADOPTION_STEPS = [
    "orders.services.adoption.ShopStep",
    "cvety_crm.adoption.staff.StaffStep",
    "orders.services.adoption.CustomerStep",
    "orders.services.adoption.ProductStep",
    "orders.services.adoption.OrderStep",
    "orders.services.adoption.ItemStep",
    "notifications.adoption.ChatStep",
]
"""The steps of `manage.py adopt_supabase`, sorted so that a row is stored after the rows to which it refers."""
ADOPTION_FINISHERS = ["orders.services.customer_totals.renew_all_totals"]
"""The functions that it calls after the last step. They may be repeated."""

# --- Backups ----------------------------------------------------------------------------------------------------------

BACKUP_DATABASE_URL = env.str("BACKUP_DATABASE_URL", default="")
"""The URL of the same database without a pooler in transaction mode, which `pg_dump` can't use."""
POSTGRES_PROGRAMS = env.str("POSTGRES_PROGRAMS", default="")
if DEBUG and not POSTGRES_PROGRAMS and not env.str("DATABASE_URL", default=""):
    from cvety_crm.dev.embedded_postgres import programs

    POSTGRES_PROGRAMS = str(programs())
"""The folder of `pg_dump` and `pg_restore`, if they are neither in the PATH nor where Debian installs them."""
BACKUP_TARGET = env.str("BACKUP_TARGET", default="")
"""The folder or the bucket of the backups: an absolute path, or `s3://bucket/prefix`. Empty: there are no backups."""
if BACKUP_TARGET and not BACKUP_TARGET.startswith(("/", "s3://")):
    sys.exit("BACKUP_TARGET must be an absolute path, or s3://bucket/prefix.")
BACKUP_RECIPIENTS = env.list("BACKUP_RECIPIENTS", default=[])
"""The public keys of age for which backups are encrypted."""
BACKUP_KEEP = env.list("BACKUP_KEEP", cast=int, default=[7, 4, 6])
"""The number of days, weeks and months of which a backup is kept."""
if len(BACKUP_KEEP) != 3 or min(BACKUP_KEEP) < 0:
    sys.exit("BACKUP_KEEP must be three numbers: of days, weeks and months, such as 7,4,6.")
BACKUP_S3_ENDPOINT = env.str("BACKUP_S3_ENDPOINT", default="")
BACKUP_S3_REGION = env.str("BACKUP_S3_REGION", default="us-east-1")
BACKUP_S3_KEY = env.str("BACKUP_S3_KEY", default="")
BACKUP_S3_SECRET = env.str("BACKUP_S3_SECRET", default="")
"""The URL of a bucket of another vendor than Amazon, and an access key that may list, read, write and delete in it."""

# --- Staff, sessions, security ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "cvety_crm.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
PASSWORD_RESET_TIMEOUT = 3600
"""The number of seconds for which a link for a new password is valid."""

SESSION_ENGINE = "cvety_crm.sign_in.session_store"
SESSION_IDLE_DAYS = env.int("SESSION_IDLE_DAYS", default=14)
"""The number of days without use after which a user is signed out."""
if not 1 <= SESSION_IDLE_DAYS <= 365:
    sys.exit("SESSION_IDLE_DAYS must be a number of days from 1 to 365.")
SESSION_COOKIE_AGE = 400 * 24 * 3600  # the server decides when a session ends; 400 days are the most that browsers keep

HTTPS = env.bool("HTTPS", default=not DEBUG)
"""Whether browsers use HTTPS for the CRM. If so, cookies are sent only over HTTPS."""
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=365 * 24 * 3600 if HTTPS else 0)
SECURE_SSL_REDIRECT = False  # The proxy redirects. Bitrix changes a redirected POST request to GET.
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS is for the host of the CRM. Its subdomains, if there are any, are other sites.
    "security.W008",  # see SECURE_SSL_REDIRECT
    "security.W021",  # The owner of the domain decides whether browsers ship with it as a domain of HTTPS only.
]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
"""The number of proxies in front of the CRM that set X-Forwarded-For. If it is 0, the header is ignored."""
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024  # bytes; webhooks have their own, lower limit

# --- Language and time -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "ru"
LANGUAGES = [("ru", "Русский")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Almaty"
USE_I18N = True
USE_TZ = True
# Unfold's date filters use these formats instead of the locale's formats, and silently ignore a date in a different
# format.
DATE_INPUT_FORMATS = ["%d.%m.%Y", "%Y-%m-%d"]
DATETIME_INPUT_FORMATS = ["%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]

# --- Static files ----------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / ".static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(BASE_DIR / ".media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # Compressing takes minutes on a slow machine, and a page in development is not sent over a network.
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Incoming webhooks -----------------------------------------------------------------------------------------------

WEBHOOK_TOKENS = env.list("WEBHOOK_TOKENS", default=[]) + env.list("WEBHOOK_TOKEN", default=[])
"""The tokens that Bitrix may send. There can be several, so that a token can be replaced without an interruption.

The shop's earlier CRM read one token from WEBHOOK_TOKEN, which is also accepted.
"""
if not WEBHOOK_TOKENS and not DEBUG:
    _missing("WEBHOOK_TOKENS")
for _token in WEBHOOK_TOKENS:
    _check_length("A token in WEBHOOK_TOKENS", _token, 16)
WEBHOOK_RATE = env.str("WEBHOOK_RATE", default="600/min")
if WEBHOOK_RATE and not re.fullmatch(r"[1-9]\d{0,8}/[smhd][a-z]*", WEBHOOK_RATE):
    sys.exit("WEBHOOK_RATE must be a number of requests and a period, such as 600/min, or empty.")
WEBHOOK_MAX_BYTES = 1024 * 1024
WEBHOOK_TIME_BUDGET = env.float("WEBHOOK_TIME_BUDGET", default=0.5)
"""Seconds. If an event would have to wait longer for a web process, events are stored first, and the worker processes
them. With 0 every event is stored first, with -1 none is.
"""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "NUM_PROXIES": TRUSTED_PROXIES,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Cvety CRM",
    "DESCRIPTION": "Бэк-офис магазина цветов: вебхуки сайта на Bitrix.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "APPEND_COMPONENTS": {"securitySchemes": {"webhookToken": {"type": "http", "scheme": "bearer"}}},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "bitrix_bridge.inbound.documentation.require_bodies",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- Health ----------------------------------------------------------------------------------------------------------

HEALTH_TOKEN = env.str("HEALTH_TOKEN", default="")
"""The token that a monitoring program sends to read `/health/ready`. If it is empty, only staff can read the page."""
if HEALTH_TOKEN:
    _check_length("HEALTH_TOKEN", HEALTH_TOKEN, 16)

METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
"""The token that a Prometheus server sends to read `/metrics`. If it is empty, there is no such page."""
if METRICS_TOKEN:
    _check_length("METRICS_TOKEN", METRICS_TOKEN, 16)
HEARTBEAT_URL = env.str("HEARTBEAT_URL", default="").rstrip("/")
"""The URL of a monitoring service that the worker pings each minute, with `/fail` after a failure; it is a secret."""

# --- Outgoing pushes -------------------------------------------------------------------------------------------------

BITRIX_API_URL = env.str("BITRIX_API_URL", default="")
"""The URL of the PHP bridge."""
BITRIX_API_TOKEN = env.str("BITRIX_API_TOKEN", default="")
BITRIX_REST_URL = env.str("BITRIX_REST_URL", default="")
"""An inbound webhook of the site's REST API: `https://site/rest/<user>/<secret>/`.

If it is set, statuses are sent to it and not to the bridge.
"""
SANDBOX_URL_FILE = BASE_DIR / ".sandbox" / "url"
"""The file in which `manage.py run` stores the URL of the sandbox's bridge while it runs."""
USES_SANDBOX = DEBUG and not (BITRIX_API_URL or BITRIX_REST_URL)
if USES_SANDBOX and SANDBOX_URL_FILE.exists():
    # Commands in a second terminal have no environment variable with this URL.
    BITRIX_API_URL = SANDBOX_URL_FILE.read_text().strip()
BITRIX_DELIVERY_ID = env.int("BITRIX_DELIVERY_ID", default=1)
BITRIX_PICKUP_DELIVERY_ID = env.int("BITRIX_PICKUP_DELIVERY_ID", default=BITRIX_DELIVERY_ID)
BITRIX_DEFAULT_USER_ID = env.int("BITRIX_DEFAULT_USER_ID", default=0)
"""The site's user id for an order whose customer does not exist on the site.

If it is 0, the site finds or creates a user.
"""
BITRIX_PAY_SYSTEMS = {int(key): value for key, value in env.dict("BITRIX_PAY_SYSTEMS", default={}).items()}
"""The first payment method of pay systems of the site: `1=cash,2=card,3=kaspi,4=transfer`.

A pay system gets it when the CRM first sees it. Afterwards staff choose on the page of pay systems.
"""
WEBHOOK_SOURCES_CREATED_ON_SITE = env.list("WEBHOOK_SOURCES_CREATED_ON_SITE", default=[])
"""The values of `webhook_source` of other systems whose orders, posted without an id of the site, are created there."""
BITRIX_MYSQL_URL = env.str("BITRIX_MYSQL_URL", default="")
"""The copy of the site's database, for the import: `mysql://user:password@host:3306/database`."""
OUTBOX_TIMEOUT = env.float("OUTBOX_TIMEOUT", default=15.0)
"""The time limit of one request to Bitrix or Telegram, in seconds."""

STATUS_HOLD_SECONDS = env.float("STATUS_HOLD_SECONDS", default=10.0)
"""The hold period in seconds. A new status is sent to the site and to Telegram after it; staff can undo it until then.

If it is 0, a status is sent at once.
"""
if not 0 <= STATUS_HOLD_SECONDS <= 3600:
    sys.exit("STATUS_HOLD_SECONDS must be a number of seconds from 0 (switched off) to 3600.")

# --- Telegram --------------------------------------------------------------------------------------------------------

TELEGRAM_NOTIFICATIONS_ENABLED = env.bool("TELEGRAM_NOTIFICATIONS_ENABLED", default=False)
TELEGRAM_BOT_TOKEN = env.str("TELEGRAM_BOT_TOKEN", default="")
TELEGRAM_CHAT_ID = env.str("TELEGRAM_CHAT_ID", default="")
TELEGRAM_ALERT_CHAT_ID = env.str("TELEGRAM_ALERT_CHAT_ID", default=TELEGRAM_CHAT_ID)
TELEGRAM_BASE_URL = env.str("TELEGRAM_BASE_URL", default="https://api.telegram.org").rstrip("/")

# --- E-mail ----------------------------------------------------------------------------------------------------------

EMAIL_URL = env.str("EMAIL_URL", default="")
"""The mail server: `smtp+tls://user:password@smtp.example.kz:587`, or `smtp+ssl://…:465`. Empty: there is none."""
if EMAIL_URL:
    if EMAIL_URL.partition("://")[0] not in env.EMAIL_SCHEMES:
        sys.exit("EMAIL_URL must be smtp+tls://user:password@host:port, smtp+ssl://… or smtp://…")
    vars().update(env.email_url_config(EMAIL_URL))
EMAIL_TIMEOUT = OUTBOX_TIMEOUT
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="") or "crm@localhost"
"""The sender of e-mails. Most mail servers accept only an address of the account in `EMAIL_URL`."""

# --- The worker ------------------------------------------------------------------------------------------------------

# django-q only starts the scheduled jobs and the tasks. The outbox stores attempts, retries and failures in its own
# rows; see the reasons in cvety_crm/outbox/__init__.py.
_q_workers = env.int("WORKERS", default=2)
Q_CLUSTER = {
    "name": "cvety_crm",
    "orm": "default",
    "workers": _q_workers,
    "queue_limit": _q_workers,  # in a longer local queue, the lock of a task would expire, and it would run twice
    "bulk": 1,
    "timeout": 120,  # seconds
    "retry": 1200,  # ten times the timeout
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": 50,  # django-q loads all saved results after each task
    "poll": 0.5,
    "recycle": 1000,
    "label": "Очередь задач",
    "time_zone": TIME_ZONE,
}

# --- Retention -------------------------------------------------------------------------------------------------------

KEEP_EVENTS_DAYS = env.int("KEEP_EVENTS_DAYS", default=90)
"""The number of days for which processed webhook events are stored; 0 means no limit.

Timelines are never deleted.
"""
KEEP_SENT_DAYS = env.int("KEEP_SENT_DAYS", default=90)
"""The number of days for which delivered and cancelled outbox entries are stored; 0 means no limit."""
KEEP_SIGN_INS_DAYS = env.int("KEEP_SIGN_INS_DAYS", default=180)
"""The number of days for which entries of the log of sign-ins are stored; 0 means no limit."""
KEEP_LOOKS_DAYS = env.int("KEEP_LOOKS_DAYS", default=365)
"""The number of days for which the log says who has seen whose phone; 0 means no limit."""

# --- Logs ------------------------------------------------------------------------------------------------------------

LOG_FORMAT = env.str("LOG_FORMAT", default="line")
if LOG_FORMAT not in ("line", "json"):
    sys.exit("LOG_FORMAT must be line or json.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "cvety_crm.log_formats.LineFormatter",
            "format": "{levelname} {name}{about}: {message}",
            "style": "{",
        },
        "json": {"()": "cvety_crm.log_formats.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"level": "INFO"},
        "django.server": {"handlers": ["console"], "propagate": False},
        # One line for each event of the site and each delivery. In a terminal they would hide everything else.
        "cvety_crm.exchange": {"level": "WARNING" if DEBUG and LOG_FORMAT == "line" else "INFO"},
        # httpx logs the URL of each request, and Telegram's URLs contain the bot token.
        "httpx": {"level": "WARNING"},
    },
}

# --- Error reports ---------------------------------------------------------------------------------------------------

SENTRY_DSN = env.str("SENTRY_DSN", default="")
"""The address of a Sentry project that receives errors, without data about customers and staff; it is a secret."""
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")
if SENTRY_DSN:
    from cvety_crm.error_reports import start_reporting

    start_reporting(SENTRY_DSN, environment=SENTRY_ENVIRONMENT)

# --- The admin -------------------------------------------------------------------------------------------------------

UNFOLD = {
    "SITE_TITLE": "Cvety CRM",
    "SITE_HEADER": "Cvety CRM",
    "SITE_SUBHEADER": "cvety.kz",
    "SITE_SYMBOL": "local_florist",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "cvety_crm.admin_site.navigation.environment",
    "ACCOUNT": {"navigation": "cvety_crm.admin_site.navigation.account_links"},
    "DASHBOARD_CALLBACK": "orders.admin.home.page.home_page",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("cvety_crm/favicon.svg")},
    ],
    "STYLES": [
        lambda request: static("cvety_crm/admin.css"),
        lambda request: static("cvety_crm/order_list.css"),
        lambda request: static("cvety_crm/export.css"),
        lambda request: static("cvety_crm/delivery.css"),
        lambda request: static("cvety_crm/order.css"),
        lambda request: static("cvety_crm/messages.css"),
        lambda request: static("cvety_crm/photos.css"),
        lambda request: static("cvety_crm/pictures.css"),
    ],
    "SCRIPTS": [
        lambda request: static("cvety_crm/undo.js"),
        lambda request: static("cvety_crm/photos.js"),
        lambda request: static("cvety_crm/pictures.js"),
        lambda request: static("cvety_crm/keyboard.js"),
        lambda request: static("cvety_crm/failed_tap.js"),
        lambda request: static("cvety_crm/checked_save.js"),
        lambda request: static("cvety_crm/text_limits.js"),
        lambda request: static("cvety_crm/draft_storage.js"),
        lambda request: static("cvety_crm/form_values.js"),
        lambda request: static("cvety_crm/drafts.js"),
        lambda request: static("cvety_crm/copy.js"),
        lambda request: static("cvety_crm/messages.js"),
        lambda request: static("cvety_crm/order.js"),
        lambda request: static("cvety_crm/library_markup.js"),
    ],
    "SIDEBAR": {"navigation": "cvety_crm.admin_site.navigation.sidebar", "show_search": True, "command_search": True},
    "COMMAND": {"search_callback": "orders.admin.command_palette.search"},
}
