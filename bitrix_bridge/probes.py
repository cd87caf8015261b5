"""Health checks of the exchange with the site, in both directions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q
from django.test import RequestFactory
from django.urls import resolve
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bitrix_bridge.inbound.event_names import PING
from bitrix_bridge.models import Push, WebhookEvent
from bitrix_bridge.payloads.dates import read_clock
from bitrix_bridge.public_url import WEBHOOK_PATH
from bitrix_bridge.site_client.bridge_client import BridgeClient
from bitrix_bridge.site_client.rest_client import RestClient
from cvety_crm.formatting import duration
from cvety_crm.ops.health import Finding, Level, probe
from cvety_crm.outbox import LIVE, DeliveryError, MisconfiguredError, PermanentDeliveryError, State
from orders import services
from orders.models import Order
from orders.presentation.site_storage import limits_lines
from orders.selectors.pay_systems import unmapped
from orders.selectors.site_statuses import compared_statuses
from orders.sync.freshness import CLOCK_TOLERANCE, is_in_future

UNUSED_ADDRESS = "0.0.0.0"  # noqa: S104 - no sender has this address, so the check uses up no sender's rate limit
PING_SECONDS = 4.0
HOUR = timedelta(hours=1)
MOST_MEASURED = 1000
"""The maximum number of events or pushes from which a delay is computed. The newest are used."""

MOST_NAMED = 10
"""The maximum number of names in one finding."""
QUIET_HOURS = 24
QUEUE_OLD, QUEUE_STUCK = timedelta(minutes=5), timedelta(hours=1)
LAG_SECONDS, LAG_SECONDS_MOST = 60.0, 900.0
"""The limits of the 95th percentile of a delay. Above the first limit the finding is yellow, above the second red."""


@probe(_("Webhook endpoint"))
def webhook_endpoint() -> Finding:
    """Send a `ping` to the webhook's view in this process, once without a token and once with a token."""
    if not any(settings.WEBHOOK_TOKENS):
        hint = gettext("Set WEBHOOK_TOKENS: without it every webhook is refused.")
        return Finding(Level.RED, gettext("no token is configured"), hint)
    stranger, sender = _ping_status(None), _ping_status(next(token for token in settings.WEBHOOK_TOKENS if token))
    figure = gettext("without a token: %(stranger)s, with a token: %(sender)s") % {
        "stranger": stranger,
        "sender": sender,
    }
    is_expected = (stranger, sender) == (401, 200)
    hint = "" if is_expected else gettext("Expected: 401 without a token, 200 with one.")
    return Finding(Level.GREEN if is_expected else Level.RED, figure, hint)


def _ping_status(token: str | None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = RequestFactory().post(
        WEBHOOK_PATH,
        json.dumps({"event": PING}),
        content_type="application/json",
        headers=headers,
        REMOTE_ADDR=UNUSED_ADDRESS,
    )
    match = resolve(WEBHOOK_PATH)
    return int(match.func(request, *match.args, **match.kwargs).status_code)


@probe(_("Last event of the site"), reads_database=True, may_be_starting=True)
def last_event() -> Finding:
    """Report the time since the last event from the site."""
    last = WebhookEvent.objects.aggregate(last=Max("created_at"))["last"]
    if last is None:
        return Finding(Level.YELLOW, gettext("no event received yet"), gettext("Is the handler installed on the site?"))
    age = timezone.now() - last
    figure = gettext("%(time)s ago") % {"time": duration(max(age.total_seconds(), 0))}
    if age > timedelta(hours=QUIET_HOURS):
        return Finding(
            Level.YELLOW, figure, gettext("The site has sent no event for a long time. Does it send its webhooks?")
        )
    return Finding(Level.GREEN, figure)


@probe(_("Events not processed"), reads_database=True)
def inbox() -> Finding:
    """Count the failed events, those that will be processed again or that were stored first, and the requests refused
    in the last day.
    """
    states = WebhookEvent.State
    counts = WebhookEvent.objects.exclude(state=states.PROCESSED).aggregate(
        failed=Count("pk", filter=Q(state=states.FAILED)),
        waiting=Count("pk", filter=Q(state=states.WAITING)),
        queued=Count("pk", filter=Q(state=states.QUEUED)),
        oldest=Min("created_at", filter=Q(state=states.QUEUED)),
    )
    figure = gettext("failed: %(failed)d, to be repeated: %(waiting)d") % counts
    age = timezone.now() - counts["oldest"] if counts["oldest"] else timedelta()
    if counts["queued"]:
        # The site sends more than can be processed at once.
        figure += gettext(", stored first: %(number)d, the oldest for %(time)s") % {
            "number": counts["queued"],
            "time": duration(max(age.total_seconds(), 0)),
        }
    since = timezone.now() - timedelta(days=1)
    refused = WebhookEvent.objects.filter(action=WebhookEvent.Action.REFUSED, created_at__gte=since).count()
    if refused:
        figure += gettext(", refused in a day: %(number)d") % {"number": refused}
    if counts["failed"]:
        return Finding(Level.RED, figure, gettext("Open the inbox: each failed event says why."))
    if age > QUEUE_STUCK:
        return Finding(Level.RED, figure, gettext("The worker does not process the stored events: is it running?"))
    if refused:
        return Finding(Level.YELLOW, figure, gettext("Open the inbox: each refused request says why."))
    return Finding(Level.YELLOW if counts["waiting"] or counts["queued"] else Level.GREEN, figure)


@probe(_("Queue to the site"), reads_database=True, may_be_starting=True)
def push_queue() -> Finding:
    """Count the pushes that are queued or being delivered, and report the age of the oldest push."""
    counts = Push.objects.filter(state__in=LIVE).aggregate(number=Count("pk"), oldest=Min("created_at"))
    if not counts["number"]:
        return Finding(Level.GREEN, gettext("empty"))
    age = timezone.now() - counts["oldest"]
    figure = gettext("%(number)d waiting, the oldest for %(time)s") % {
        "number": counts["number"],
        "time": duration(max(age.total_seconds(), 0)),
    }
    if age > QUEUE_STUCK:
        return Finding(Level.RED, figure, gettext("Changes made in the CRM do not reach the site."))
    return Finding(Level.YELLOW if age > QUEUE_OLD else Level.GREEN, figure)


@probe(_("Failed pushes"), reads_database=True)
def failed_pushes() -> Finding:
    """Count the pushes that have failed and are not retried."""
    number = Push.objects.filter(state=State.FAILED).count()
    if number:
        return Finding(Level.RED, str(number), gettext("Open “To the site”: each of them says why. Then repeat it."))
    return Finding(Level.GREEN, "0")


@probe(_("Statuses of the site"), reads_database=True)
def site_statuses() -> Finding:
    """Report the questioned statuses and the statuses that have no stage yet."""
    rows = [row for row in compared_statuses(with_orders=False) if row.is_undecided]
    if not rows:
        return Finding(Level.GREEN, gettext("every status has a stage"))
    names = ", ".join(
        gettext("%(code)s “%(name)s”") % {"code": row.bitrix_code, "name": row.site_name or row.status} for row in rows
    )
    hint = gettext("Open “Statuses”, “Statuses of the site”, and choose their stages.")
    return Finding(Level.YELLOW, gettext("to decide: %(names)s") % {"names": names}, hint)


@probe(_("Pay systems of the site"), reads_database=True)
def pay_systems() -> Finding:
    """Report the pay systems without a payment method that orders use."""
    found = unmapped()
    if not found:
        return Finding(Level.GREEN, gettext("every pay system of the orders has a payment method"))
    names = ", ".join(
        ngettext("“%(name)s” (%(count)d order)", "“%(name)s” (%(count)d orders)", one.orders)
        % {"name": one.system.name, "count": one.orders}
        for one in found[:MOST_NAMED]
    )
    hint = gettext("Open “Pay systems” and choose their payment methods: until then it is unknown how orders are paid.")
    figure = gettext("without a payment method: %(number)d. %(names)s") % {"number": len(found), "names": names}
    return Finding(Level.YELLOW, figure, hint)


@probe(_("Delay site → CRM"), reads_database=True, may_be_starting=True)
def lag_in() -> Finding:
    """Measure the time between an event, by the site's clock, and its arrival in the CRM, for the last hour."""
    lags = [max((received - times[0]).total_seconds(), 0.0) for received, times in _times_of_events()]
    return _lag(lags, gettext("The site sends its webhooks late, or its clock is wrong."))


@probe(_("Clock of the site"), reads_database=True)
def site_clock() -> Finding:
    """Report the events of the last hour whose time is in the future, and the orders that have such a time."""
    ahead = [max(times) - received for received, times in _times_of_events() if is_in_future(max(times), received)]
    orders = Order.objects.filter(bitrix_updated_at__gt=timezone.now() + CLOCK_TOLERANCE).count()
    if not ahead and not orders:
        return Finding(Level.GREEN, gettext("no time in the future"))
    figure = gettext("events: %(events)d, orders: %(orders)d, ahead by up to %(time)s") % {
        "events": len(ahead),
        "orders": orders,
        "time": duration(max((one.total_seconds() for one in ahead), default=0.0)),
    }
    hint = gettext("The site sends times from the future: check its clock and its time zone. The orders are fetched.")
    return Finding(Level.YELLOW, figure, hint)


def _times_of_events() -> Iterator[tuple[datetime, list[datetime]]]:
    """Yield the time of arrival of the events of the last hour, and their times by the clock of the site."""
    rows = (
        WebhookEvent.objects.filter(created_at__gte=timezone.now() - HOUR)
        .exclude(action=WebhookEvent.Action.DUPLICATE)
        .order_by("-created_at")
        .values_list("created_at", "payload__data__webhook_timestamp", "payload__data__DATE_UPDATE")
    )
    for received, *clocks in rows[:MOST_MEASURED]:
        times = [moment for clock in clocks if (moment := read_clock(clock).value)]
        if times:
            yield received, times


@probe(_("Delay CRM → site"), reads_database=True, may_be_starting=True)
def lag_out() -> Finding:
    """Measure the time between a change in the CRM and its delivery, for the pushes delivered in the last hour."""
    now = timezone.now()
    # The filter on `created_at` uses an index. The other checks already report pushes older than a day.
    rows = (
        Push.objects.filter(created_at__gte=now - timedelta(days=1), state=State.DELIVERED, finished_at__gte=now - HOUR)
        .order_by("-created_at")
        .values_list("created_at", "finished_at")
    )
    lags = [max((finished - created).total_seconds(), 0.0) for created, finished in rows[:MOST_MEASURED] if finished]
    # A status is held on purpose, so the hold period does not count as a delay.
    return _lag(lags, gettext("Changes made here reach the site late."), usual=settings.STATUS_HOLD_SECONDS)


def _lag(lags: Sequence[float], hint: str, usual: float = 0.0) -> Finding:
    if not lags:
        return Finding(Level.GREEN, gettext("nothing in the last hour"))
    cuts = quantiles(lags, n=20, method="inclusive") if len(lags) > 1 else [lags[0]] * 19
    median, most = cuts[9], cuts[18]
    figure = gettext("half within %(median)s, 95%% within %(most)s (last hour: %(number)d)") % {
        "median": _short(median),
        "most": _short(most),
        "number": len(lags),
    }
    if most - usual > LAG_SECONDS:
        return Finding(Level.RED if most - usual > LAG_SECONDS_MOST else Level.YELLOW, figure, hint)
    return Finding(Level.GREEN, figure)


def _short(seconds: float) -> str:
    return gettext("%(number)s s") % {"number": localize(round(seconds, 1))} if seconds < 10 else duration(seconds)


@probe(_("Bridge on the site"), may_be_starting=True)
def bridge() -> Finding:
    """Request the bridge's version and the state of its webhook queue."""
    if not settings.BITRIX_API_URL:
        if settings.BITRIX_REST_URL:  # without the bridge, statuses can still be sent over REST
            return Finding(Level.GREEN, gettext("no address is configured"))
        nothing = gettext("Set BITRIX_API_URL: nothing can be sent to the site without it.")
        return Finding(Level.YELLOW, gettext("no address is configured"), nothing)
    try:
        pong = BridgeClient(timeout=min(PING_SECONDS, settings.OUTBOX_TIMEOUT)).ping()
    except PermanentDeliveryError as failure:
        if isinstance(failure, MisconfiguredError):
            return Finding(Level.RED, failure.message)
        hint = gettext("The site's endpoint can only create orders: install the bridge (bitrix_bridge/php).")
        return Finding(Level.YELLOW, gettext("the site's earlier endpoint"), hint)
    except DeliveryError as failure:
        return Finding(Level.RED, failure.message)
    waiting, failed, age = (_number(pong, name) for name in ("queue_length", "queue_failed", "queue_age_seconds"))
    figure = gettext("version %(version)s, its queue: %(waiting)d waiting for %(time)s, %(failed)d put aside") % {
        "version": _version(pong),
        "waiting": waiting,
        "time": duration(age),
        "failed": failed,
    }
    if not pong.get("webhook_installed"):
        return Finding(Level.YELLOW, figure, gettext("The handler that sends webhooks is not installed on the site."))
    if pong.get("agent_installed") is False:
        return Finding(Level.YELLOW, figure, gettext("The agent that repeats webhooks does not run on the site."))
    if failed or age > QUEUE_OLD.total_seconds():
        return Finding(Level.YELLOW, figure, gettext("The site can't deliver its webhooks: see its last error."))
    return Finding(Level.GREEN, figure)


@probe(_("What the site can't store"), reads_database=True)
def storage() -> Finding:
    """Report the letters, lengths and decimals that the site can't store, and how many orders this concerns."""
    lines = limits_lines(services.current_limits())
    damaged = Order.objects.exclude(bitrix_state__damaged={}).filter(bitrix_state__has_key="damaged")
    number = damaged.filter(status__is_final=False).count()
    figure = "; ".join(lines) or gettext("the site has not reported it")
    if number:
        figure += gettext("; open orders with such values: %(number)d") % {"number": number}
        return Finding(Level.YELLOW, figure, gettext("The pages of these orders show both values."))
    return Finding(Level.GREEN, figure)


@probe(_("REST of the site"))
def rest() -> Finding:
    """If statuses are sent over REST, check that REST also allows reading orders."""
    if not settings.BITRIX_REST_URL:
        return Finding(Level.GREEN, gettext("not used"))
    try:
        RestClient(timeout=min(PING_SECONDS, settings.OUTBOX_TIMEOUT)).check_access()
    except PermanentDeliveryError as failure:
        hint = gettext("Needed: an inbound webhook of one of the site's administrators, with the right “sale”.")
        return Finding(Level.RED, failure.message, hint)
    except DeliveryError as failure:
        return Finding(Level.RED, failure.message)
    return Finding(Level.GREEN, gettext("access allowed"))


def _number(pong: Mapping[str, Any], name: str) -> int:
    try:
        return max(int(pong.get(name) or 0), 0)
    except (TypeError, ValueError, OverflowError):
        return 0


def _version(pong: Mapping[str, Any]) -> str:
    versions = pong.get("versions")
    return str(versions.get("bridge") or "?")[:20] if isinstance(versions, Mapping) else "?"
