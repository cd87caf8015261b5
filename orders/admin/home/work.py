"""The blocks with the work of managers, florists and dispatchers."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, pgettext

from orders.admin.dispatch.page import page_url
from orders.admin.home.cards import Visit, count_card, preset_card
from orders.admin.order_urls import order_url
from orders.models import Order
from orders.presentation.addresses import unbroken
from orders.presentation.composition import composition, goods_text
from orders.presentation.when import when_text
from orders.rules.lateness import Lateness, lateness, lateness_words
from orders.rules.visibility import may_see_phones, shown_text
from orders.selectors import counts
from orders.selectors.bouquets import next_bouquets
from orders.selectors.dispatch import free_districts
from orders.selectors.presets import preset_url

MOST_GOODS = 2
TODO = frozenset({"new", "unpaid", "problems", "today"})
"""The presets that the block of a manager shows."""


def todo_block(visit: Visit) -> dict[str, Any]:
    """Return what a manager has to do. It takes no query besides the counts."""
    return {
        "title": gettext("To do"),
        "cards": [
            preset_card("new", gettext("New, to accept"), words=gettext("accept them"), none=gettext("all accepted")),
            preset_card("unpaid", gettext("Not paid"), words=gettext("open orders"), none=gettext("all paid")),
            preset_card(
                "problems",
                gettext("Problems"),
                words=gettext("someone must look"),
                none=gettext("no problems"),
                is_problem=True,
            ),
            preset_card(
                "today", gettext("Orders for today"), words=gettext("open and closed"), none=gettext("no deliveries")
            ),
        ],
    }


def making_block(visit: Visit) -> dict[str, Any]:
    """Return the florist's own bouquets, with one query besides the counts."""
    own = counts.own(visit.moment)
    return {
        "title": gettext("My bouquets"),
        "cards": [
            count_card(
                own["mine"],
                preset_url("mine"),
                gettext("Mine now"),
                words=gettext("orders that I make"),
                none=gettext("take one below"),
            ),
            preset_card(
                "auction",
                gettext("To take"),
                words=gettext("no one makes them yet"),
                none=gettext("all bouquets have a florist"),
            ),
            count_card(
                own["made"],
                preset_url("made"),
                gettext("Made today"),
                words=gettext("marked as ready by me"),
                none=gettext("none yet"),
            ),
        ],
    }


def next_block(visit: Visit) -> dict[str, Any]:
    """Return the next bouquets by time, with two queries."""
    return {
        "title": gettext("Next by time"),
        "rows": [_bouquet(order, visit) for order in next_bouquets(visit.moment)],
        "empty": gettext("Nothing is to be made now."),
        "all_url": preset_url("auction"),
    }


def deliveries_block(visit: Visit) -> dict[str, Any]:
    """Return the deliveries that a dispatcher watches. It takes no query besides the counts."""
    return {
        "title": pgettext("home", "Deliveries"),
        "cards": [
            preset_card(
                "no-courier",
                gettext("Without a courier"),
                words=gettext("until tomorrow"),
                none=gettext("all have a courier"),
            ),
            preset_card(
                "ready",
                gettext("Ready, waiting for a courier"),
                words=gettext("hand them over"),
                none=gettext("nothing waits"),
            ),
            preset_card(
                "on-way", gettext("On their way"), words=gettext("with couriers"), none=gettext("nothing is on its way")
            ),
            preset_card(
                "late",
                gettext("Late orders"),
                words=gettext("call the recipient"),
                none=gettext("all in time"),
                is_problem=True,
            ),
        ],
    }


def districts_block(visit: Visit) -> dict[str, Any]:
    """Return the districts of today's deliveries without a courier, with one query."""
    url = page_url(visit.today)
    return {
        "title": gettext("Today without a courier, by district"),
        "rows": [
            {
                "name": unbroken(shown_text(visit.user, district.name))
                or (gettext("no district") if district.has_address else gettext("no address")),
                "city": district.city,
                "slots": [part.slot or gettext("no time") for part in district.intervals],
                "count": district.count,
            }
            for district in free_districts(visit.today)
        ],
        "empty": gettext("All deliveries of today have a courier."),
        "url": url,
    }


def _bouquet(order: Order, visit: Visit) -> dict[str, Any]:
    goods = composition(order.items.all(), phones=may_see_phones(visit.user))
    names = ", ".join(goods_text(one) for one in goods[:MOST_GOODS])
    return {
        "number": order.order_number,
        "url": order_url("change", order.pk),
        "when": when_text(order),
        "lateness": lateness_words(order),
        "is_late": lateness(order) == Lateness.LATE,
        "goods": f"{names}, +{len(goods) - MOST_GOODS}" if len(goods) > MOST_GOODS else names,
        "is_mine": order.responsible_id == visit.user.pk,
    }


def links_block(visit: Visit) -> dict[str, Any]:
    """Return the links to the pages that the user opens most."""
    user, links = visit.user, []
    if user.has_perm("orders.add_order"):
        links.append((gettext("New order"), reverse("admin:orders_order_add"), "add"))
    links.append((gettext("Day board"), reverse("day_board"), "dashboard"))
    if user.has_perm("orders.assign_order") or user.has_perm("orders.change_order"):
        links.append((gettext("Dispatch"), reverse("dispatch"), "route"))
    links += [
        (gettext("Today's orders"), preset_url("today"), "today"),
        (gettext("Tomorrow's orders"), preset_url("tomorrow"), "event"),
    ]
    if user.has_perm("orders.change_order"):
        links.append((gettext("To ask the customer"), preset_url("unknown"), "call"))
    if user.has_perm("orders.close_till") or user.has_perm("orders.view_tillday"):
        links.append((gettext("Day's till"), reverse("till"), "point_of_sale"))
    if user.has_perm("orders.add_couriersettlement"):
        links.append((gettext("Couriers' cash"), reverse("couriers_cash"), "payments"))
    return {"links": [{"title": title, "url": url, "icon": icon} for title, url, icon in links]}
