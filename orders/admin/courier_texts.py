"""The page with texts for couriers. Staff copy the text of a whole route or of one order."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest

from cvety_crm.users import AnyUser
from orders.models import Courier, Order
from orders.paper.courier_texts import full_text, route_text, short_text
from orders.paper.orders_to_print import long_day, orders_to_print
from orders.paper.route_sheet import RouteSheet, route_of
from orders.presentation.delivery import reason_to_leave_out
from orders.presentation.links import telegram_url, whatsapp_url
from orders.presentation.payment import dues_text
from orders.presentation.phones import shown_phone
from orders.presentation.when import when_text
from orders.rules.courier_cash import CourierCash
from orders.rules.visibility import may_see_phones, may_see_prices
from orders.selectors.money import Collected, collected_until, courier_cash

CashOfCouriers = Mapping[UUID, Mapping[date, Collected]]
LONGEST_LINK = 1200
"""The largest number of characters of a text in a link. A Cyrillic letter needs six characters in a URL, and phones cut
long URLs."""


def courier_texts_context(request: HttpRequest, orders: QuerySet[Order], keys: Iterable[Any]) -> dict[str, Any]:
    """Return the context of `orders/courier_texts.html` for the orders with these primary keys."""
    found = orders_to_print(orders, keys)
    sheets = route_of(found)
    days = [sheet.day for sheet in sheets if sheet.courier is not None and sheet.day is not None]
    cash = collected_until(max(days)) if days else {}
    return {
        "sheets": [_sheet(sheet, request.user, cash) for sheet in sheets],
        "left_out": [(order, reason) for order in found if (reason := reason_to_leave_out(order))],
        "checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        "list_url": request.get_full_path(),
    }


def cash_to_bring_back(sheet: RouteSheet, user: AnyUser, found: CashOfCouriers | None = None) -> CourierCash | None:
    """Return the cash that the courier of a route brings back, or None if the user may not see the sums of the day.

    Cash of earlier days is left out if the user may not see the sums of other days. Without `found`, the cash of
    several couriers that was not handed in, it takes two queries.
    """
    courier, day = sheet.courier, sheet.day
    if courier is None or day is None or not may_see_prices(user, day):
        return None
    if found is None:
        found = collected_until(day, courier.pk)
    cash = courier_cash(found.get(courier.pk, {}), day, sheet.stops)
    return cash if user.has_perm("orders.view_all_prices") else replace(cash, earlier=Decimal(0))


def order_texts(order: Order, user: AnyUser) -> dict[str, str]:
    """Return the short and the full text of an order as this user may read them."""
    prices = may_see_prices(user, order.delivery_date)
    return {
        "short": short_text(order, prices=prices),
        "full": full_text(order, phones=may_see_phones(user), prices=prices),
    }


def courier_contacts(courier: Courier, user: AnyUser, text: str = "") -> dict[str, Any]:
    """Return the courier's contacts for this user.

    The link to WhatsApp contains `text`, unless the text is longer than `LONGEST_LINK`.
    """
    return {
        "phone": shown_phone(user, courier.phone),
        "whatsapp": whatsapp_url(courier.phone, text if len(text) <= LONGEST_LINK else "")
        if may_see_phones(user)
        else "",
        "telegram": courier.telegram,
        "telegram_url": telegram_url(courier.telegram),
    }


def _sheet(sheet: RouteSheet, user: AnyUser, found: CashOfCouriers) -> dict[str, Any]:
    prices = may_see_prices(user, sheet.day)
    cash = cash_to_bring_back(sheet, user, found)
    whole = route_text(sheet, phones=may_see_phones(user), prices=prices, cash=cash)
    return {
        "who": sheet.who,
        "day": long_day(sheet.day),
        "collect": dues_text(sheet.dues) if prices and sheet.dues else "",
        "whole": whole,
        "contacts": courier_contacts(sheet.courier, user, whole) if sheet.courier else None,
        "not_notified": [order.pk for order in sheet.stops if sheet.courier and order.courier_notified_at is None],
        "stops": [
            {
                "order": order,
                "when": when_text(order),
                **order_texts(order, user),
            }
            for order in sheet.stops
        ],
    }
