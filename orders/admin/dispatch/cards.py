"""The values of a card on the dispatcher's page: an order without a courier, or a stop of a courier."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext

from cvety_crm.users import AnyUser
from orders.admin.badges import SIGNS
from orders.admin.dispatch.keys import short, with_seen
from orders.models import Order, PaymentMethod, Stage
from orders.presentation.addresses import one_line, split_address, unbroken
from orders.presentation.payment import due_text, state_text
from orders.presentation.when import slot_text
from orders.rules.lateness import Lateness, lateness, lateness_words
from orders.rules.making import is_ready, work_stage
from orders.rules.payment import PaymentState, payment_of
from orders.rules.visibility import shown_text

ADDRESS_LENGTH = 90
NAME_LENGTH = 40
NOTE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Reader:
    """The user who reads the page, what the user may see, and the moment of the page."""

    user: AnyUser
    sees_prices: bool
    now: datetime


def card(order: Order, reader: Reader, refusal: str = "") -> dict[str, Any]:
    """Return the values of a card. `refusal` is the reason why the order was not changed just now."""
    payment = payment_of(order)
    late = lateness(order, reader.now)
    district, rest = split_address(shown_text(reader.user, order.delivery_address))
    return {
        "key": short(order.pk),
        "value": with_seen(order.pk, order.courier_id),
        "number": order.order_number,
        "url": reverse("admin:orders_order_change", args=[order.pk]),
        "time": slot_text(order),
        "late": late_words(order, reader.now),
        "late_css": {Lateness.LATE: "late", Lateness.RISK: "risk"}.get(late, ""),
        "district": unbroken(district) if rest else "",
        "place": unbroken(Truncator(rest or district).chars(ADDRESS_LENGTH)),
        "who": Truncator(one_line(shown_text(reader.user, order.recipient_name))).chars(NAME_LENGTH),
        "is_due": payment.is_due,
        "pay": _payment_words(payment, reader),
        "state": _state(order),
        "marks": _marks(order, reader),
        "note": _note(order, reader),
        "is_notified": order.courier_notified_at is not None,
        "refusal": refusal,
    }


def late_words(order: Order, now: datetime) -> str:
    """Return how soon the order is due or how late it is, or an empty string for another day than today."""
    return lateness_words(order, now)


def _payment_words(payment: PaymentState, reader: Reader) -> str:
    if not payment.is_due or not reader.sees_prices:
        return state_text(payment)
    if payment.method == PaymentMethod.CASH and payment.due is not None:
        return gettext("cash: %(sum)s") % {"sum": due_text(payment)}
    return gettext("collect %(sum)s") % {"sum": due_text(payment)}


def _state(order: Order) -> dict[str, str]:
    """Return the state of the bouquet: its word, its sign, and the stage whose colours it has."""
    stage = work_stage(order)
    words = {
        Stage.NEW: gettext("not accepted"),
        Stage.ACCEPTED: gettext("not taken"),
        Stage.MAKING: gettext("being made"),
        Stage.WAITING: gettext("not taken"),
        Stage.READY: gettext("ready"),
        Stage.DELIVERING: gettext("on its way"),
    }
    if stage == Stage.PROBLEM and is_ready(order):
        stage = Stage.READY
    known = Stage(stage) if stage in Stage.values else Stage.PROBLEM
    return {"word": words.get(known, order.status.name), "sign": SIGNS.get(known, "!"), "stage": known.value}


def _marks(order: Order, reader: Reader) -> list[tuple[str, str]]:
    """Return the marks with their kinds. Each contains a sign or a word, because colour alone is not accessible."""
    marks = []
    if order.problem:
        marks.append(("danger", gettext("problem: %(reason)s") % {"reason": shown_text(reader.user, order.problem)}))
    if order.is_surprise:
        marks.append(("warn", gettext("surprise, don't call")))
    elif order.is_anonymous:
        marks.append(("warn", gettext("anonymous")))
    return marks


def _note(order: Order, reader: Reader) -> str:
    """Return the beginning of the shop's comment or of the customer's requests, or that there are notes."""
    text = one_line(order.courier_comment) or one_line(order.comment)
    if text:
        return Truncator(shown_text(reader.user, text)).chars(NOTE_LENGTH)
    return gettext("has a note") if getattr(order, "has_notes", False) else ""
