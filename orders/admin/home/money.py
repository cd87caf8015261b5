"""The block of the money of a day: the till, the couriers' cash, what is not paid, and refunds."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext, ngettext

from cvety_crm.formatting import short_moment
from orders.admin.home.cards import Card, Visit, preset_card
from orders.admin.reports.page import list_url
from orders.models import TillDay
from orders.presentation.formatting import money
from orders.reports.dimensions import REFUND_DAY, row_parameter
from orders.reports.scope import Basis
from orders.selectors.money import collected_until, expected_in_till, refunded_on
from orders.selectors.presets import DAY_PARAMETER


def money_block(visit: Visit) -> dict[str, Any]:
    """Return the context of the block. It takes five queries besides the counts."""
    return {
        "title": gettext("Money of today"),
        "cards": [
            _till_card(visit),
            _couriers_card(visit),
            preset_card(
                "owed",
                gettext("Delivered, not paid"),
                words=gettext("orders of the last two weeks"),
                none=gettext("all delivered orders are paid"),
                is_problem=True,
            ),
            preset_card("unpaid", gettext("Not paid"), words=gettext("open orders"), none=gettext("all paid")),
            _refunds_card(visit),
        ],
    }


def _till_card(visit: Visit) -> Card:
    till = TillDay.objects.filter(day=visit.today).first()
    total = money(sum(expected_in_till(visit.today).values(), Decimal(0)))
    words = gettext("open") if till is None else gettext("closed at %(time)s") % {"time": short_moment(till.closed_at)}
    return Card(gettext("Till of today"), total, reverse("till"), words)


def _couriers_card(visit: Visit) -> Card:
    found = collected_until(visit.today)
    days = [(day, one.expected) for of_courier in found.values() for day, one in of_courier.items()]
    earlier = [(day, expected) for day, expected in days if day != visit.today]
    if not found:
        words = gettext("all is handed in")
    else:
        count = len(found)
        words = ngettext("%(count)s courier", "%(count)s couriers", count) % {"count": count}
    url = reverse("couriers_cash")
    if earlier:
        sum_ = money(sum((expected for _day, expected in earlier), Decimal(0)))
        words += "; " + gettext("of earlier days: %(sum)s") % {"sum": sum_}
    if earlier and len(earlier) == len(days):
        url += "?" + urlencode({DAY_PARAMETER: max(day for day, _expected in earlier).isoformat()})
    total = money(sum((expected for _day, expected in days), Decimal(0)))
    return Card(gettext("Cash with couriers"), total, url, words, is_problem=bool(earlier))


def _refunds_card(visit: Visit) -> Card:
    sum_, orders = refunded_on(visit.today)
    words = ngettext("%(count)s order", "%(count)s orders", orders) % {"count": orders}
    parameters = {"preset": "all", **row_parameter(REFUND_DAY, Basis.DELIVERY, visit.today)}
    return Card(
        gettext("Refunds of today"), money(sum_), list_url(parameters), words if orders else gettext("no refunds")
    )
