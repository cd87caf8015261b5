"""Knock at `PUBLIC_URL` as the site does, through the proxy.

The worker knocks each minute. The page of the system status does not, as long as the worker gets an answer: with one
web process, the request of the page would wait for the page itself.
"""

import time
from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bitrix_bridge.inbound.event_names import PING
from cvety_crm.formatting import duration
from cvety_crm.http import NoAnswerError, post_json
from cvety_crm.models import Heartbeat
from cvety_crm.ops.health import Finding, Level, probe

WEBHOOK_PATH = "/webhooks/bitrix/order"
SECONDS = 4.0
FRESH = timedelta(seconds=150)
"""The age up to which an answer that the worker has got counts. It knocks each minute, after its other jobs."""
ANSWERED = "public-url"
"""The heartbeat with the time of the worker's last answer."""


def knock_each_minute() -> None:
    """Store that the CRM answers at `PUBLIC_URL`. The worker calls this function each minute."""
    if settings.HAS_PUBLIC_URL and knock().level == Level.GREEN:
        Heartbeat.beat(ANSWERED)


@probe(_("Address for the site"), may_be_starting=True)
def public_endpoint() -> Finding:
    """Return the worker's last answer from `PUBLIC_URL`, or knock now if the worker has none."""
    if not settings.HAS_PUBLIC_URL:
        return Finding(Level.GREEN, gettext("PUBLIC_URL is not set, so nothing was asked"))
    try:
        answered_at = Heartbeat.last(ANSWERED)
    except DatabaseError:
        answered_at = None
    age = timezone.now() - answered_at if answered_at else None
    if age is None or age > FRESH:
        return knock()
    figure = gettext("has answered the worker %(time)s ago") % {"time": duration(max(age.total_seconds(), 0))}
    return Finding(Level.GREEN, figure)


def knock() -> Finding:
    """Post a `ping` without a token. The expected answer is 401."""
    started = time.monotonic()
    try:
        answer = post_json(settings.PUBLIC_URL + WEBHOOK_PATH, {"event": PING}, timeout=SECONDS)
    except NoAnswerError as error:
        return Finding(Level.RED, str(error), gettext("Check PUBLIC_URL, and the proxy in front of the CRM."))
    if answer.status == HTTPStatus.UNAUTHORIZED and "invalid_token" in answer.text:
        milliseconds = (time.monotonic() - started) * 1000
        return Finding(Level.GREEN, gettext("answers in %(number).0f ms") % {"number": milliseconds})
    figure = gettext("HTTP %(status)d instead of an answer of the CRM") % {"status": answer.status}
    if 300 <= answer.status < 400:
        hint = gettext("The proxy must not redirect the webhooks: Bitrix would send a GET request.")
        return Finding(Level.RED, figure, hint)
    return Finding(Level.RED, figure, gettext("Check PUBLIC_URL, and the proxy in front of the CRM."))
