"""A process that reports errors to the Sentry in its first argument: `python -m tests.cvety_crm.failing_site DSN`.

Sentry changes Django and the log of the whole process, so the tests do not start it in their own.
"""

import logging
import os
import sys
from io import BytesIO
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

import django
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

PHONE, SECRET = "+77011234567", "made-up-bitrix-token"


@csrf_exempt
def failing_view(request):
    phone = PHONE  # noqa: F841 - a value that a report must not contain
    logging.getLogger("cvety_crm").warning("before the failure: %s", PHONE)
    raise RuntimeError(f"no order of {PHONE} with the token {SECRET}")


urlpatterns = [path("fail/", failing_view)]
handler500 = "cvety_crm.pages.on_error"


def main(dsn: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    from django.conf import settings

    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SENTRY_DSN = dsn
    from cvety_crm.error_reports import start_reporting

    start_reporting(dsn, environment="tests")
    django.setup()

    import sentry_sdk
    from django.core.wsgi import get_wsgi_application

    body = urlencode({"recipient": "Мария"}).encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/fail/",
        "QUERY_STRING": urlencode({"q": PHONE}),
        "HTTP_HOST": "testserver",
        "HTTP_AUTHORIZATION": f"Bearer {SECRET}",
        "HTTP_COOKIE": "sessionid=private",
        "HTTP_X_REQUEST_ID": "proxy-id-of-the-test",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    setup_testing_defaults(environ)
    # As a server does it; Django's test client would not call the code that Sentry adds to this function.
    list(get_wsgi_application()(environ, lambda status, headers, error=None: BytesIO().write))
    logging.getLogger("cvety_crm").error("a failure about %s", PHONE)
    sentry_sdk.flush(5)


if __name__ == "__main__":
    main(sys.argv[1])
