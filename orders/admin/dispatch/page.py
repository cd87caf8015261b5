"""The context of the dispatcher's page, and its part that changes."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from orders.admin.courier_texts import courier_contacts
from orders.admin.dispatch.cards import Reader, card, late_words
from orders.admin.dispatch.keys import short
from orders.models import Courier
from orders.presentation.addresses import unbroken
from orders.presentation.formatting import day as day_text
from orders.presentation.payment import dues_text
from orders.rules.visibility import may_see_prices, shown_text
from orders.selectors.dispatch import CourierDay, DispatchDay, District, day_version, dispatch_day
from orders.selectors.presets import DAY_PARAMETER

Refusals = Mapping[UUID, str]


def page_url(day: date) -> str:
    """Return the URL of the page for a day."""
    return f"{reverse('dispatch')}?{urlencode({DAY_PARAMETER: day.isoformat()})}"


def map_link(map_name: str, courier: UUID, day: date) -> str:
    """Return the URL that opens the courier's route of a day in a map."""
    query = urlencode({DAY_PARAMETER: day.isoformat()})
    return f"{reverse('dispatch_map', args=[courier, map_name])}?{query}"


def live_context(request: HttpRequest, day: date, refusals: Refusals | None = None) -> dict[str, Any]:
    """Return the context of the part of the page that changes. Make five queries.

    `refusals` maps the orders that were not changed just now to the reasons.
    """
    now = timezone.now()
    # The version is read first: a change between the queries is then shown by the next update.
    version = day_version(day, now)
    found = dispatch_day(day)
    reader = Reader(request.user, may_see_prices(request.user, day), now)
    known = refusals or {}
    return {
        "version": version,
        "time": timezone.localtime(now),
        "day": day,
        "free": found.free,
        "districts": [_district(one, reader, known) for one in found.districts],
        "couriers": [_courier(one, day, reader, known) for one in found.couriers],
        "targets": [(short(one.courier.pk), one.courier.name) for one in found.couriers if one.courier.is_active],
        "is_empty": _is_empty(found),
    }


def page_context(day: date) -> dict[str, Any]:
    """Return the context of the rest of the page."""
    today = timezone.localdate()
    return {
        "days": _days(day, today),
        "board_url": f"{reverse('day_board')}?{urlencode({DAY_PARAMETER: day.isoformat()})}",
        "page_url": page_url(day),
    }


def _is_empty(found: DispatchDay) -> bool:
    return not found.free and not any(one.stops or one.done for one in found.couriers)


def _days(day: date, today: date) -> list[dict[str, Any]]:
    """Return the links to the days: yesterday, today and tomorrow, and the shown day if it is another one."""
    shown = {today + timedelta(days=step) for step in (-1, 0, 1)} | {day}
    return [
        {"label": capfirst(day_text(one, today)), "url": page_url(one), "is_current": one == day}
        for one in sorted(shown)
    ]


def _district(district: District, reader: Reader, refusals: Refusals) -> dict[str, Any]:
    name = unbroken(shown_text(reader.user, district.name))
    if not district.has_address:
        name = gettext("Address not given: ask for the address")
    elif not name:
        name = gettext("District not named in the address")
    return {
        "name": ", ".join(part for part in (district.city, name) if part),
        "is_missing": not district.has_address,
        "count": district.count,
        "intervals": [
            {
                "slot": interval.slot or gettext("time not given: ask for the time"),
                "is_missing": not interval.slot,
                "late": late_words(interval.orders[0], reader.now),
                "cards": [card(order, reader, refusals.get(order.pk, "")) for order in interval.orders],
            }
            for interval in district.intervals
        ],
    }


def _courier(one: CourierDay, day: date, reader: Reader, refusals: Refusals) -> dict[str, Any]:
    courier: Courier = one.courier
    count = len(one.stops)
    with_address = [order for order in one.stops if order.delivery_address.strip()]
    has_due = bool(one.dues or one.delivered_dues)
    query = urlencode({"date": day.isoformat()})
    return {
        "key": short(courier.pk),
        "name": courier.name,
        "is_active": courier.is_active,
        "contacts": courier_contacts(courier, reader.user),
        "stops": [card(order, reader, refusals.get(order.pk, "")) for order in one.stops],
        "load": ngettext("%(count)s stop", "%(count)s stops", count) % {"count": count} if count else "",
        "slots": [(slot.slot or gettext("time not given"), slot.count, slot.is_over) for slot in one.loads],
        "done": ngettext("%(count)s delivered", "%(count)s delivered", one.done) % {"count": one.done}
        if one.done
        else "",
        "collect": dues_text(one.dues) if one.dues and reader.sees_prices else "",
        "delivered_collect": dues_text(one.delivered_dues) if one.delivered_dues and reader.sees_prices else "",
        "is_hidden": has_due and not reader.sees_prices,
        "not_notified": sum(order.courier_notified_at is None for order in one.stops),
        "has_sequence": one.has_sequence,
        "route_url": f"{reverse('admin:orders_courier_route', args=[courier.pk])}?{query}",
        "brief_url": f"{reverse('dispatch_brief', args=[courier.pk])}?{query}",
        # A link to a map with all addresses is long, so the links are made when they are used.
        "yandex": map_link("yandex", courier.pk, day) if with_address else "",
        "two_gis": map_link("2gis", courier.pk, day) if with_address else "",
        "left_out": count - len(with_address),
    }
