"""The texts about the making of a bouquet: who has taken it and when, and who has made it ready and when."""

from django.utils.translation import gettext

from cvety_crm.users import User, display_name
from orders.models import Order, Stage
from orders.presentation.formatting import short_moment
from orders.rules.making import LEFT_STAGES, is_ready


def making_text(order: Order) -> str:
    """Return who makes the bouquet, or who has made it, and when. Unknown facts are named as unknown.

    `select_related("taken_by", "ready_by", "responsible")` saves queries.
    """
    parts = [_taken_text(order), _ready_text(order)]
    return " · ".join(part for part in parts if part)


def short_making_text(order: Order) -> str:
    """Return the latest fact without a person, or an empty string if there is none. No query is made."""
    if order.ready_at is not None:
        return gettext("ready %(time)s") % {"time": short_moment(order.ready_at)}
    if order.taken_at is not None:
        return gettext("being made since %(time)s") % {"time": short_moment(order.taken_at)}
    if order.responsible_id is not None and order.status.stage in (Stage.NEW, Stage.ACCEPTED):
        return gettext("not taken yet")
    return ""


def _taken_text(order: Order) -> str:
    if order.taken_at is not None:
        return gettext("taken: %(who)s, %(time)s") % {
            "who": _person(order.taken_by),
            "time": short_moment(order.taken_at, with_years=True),
        }
    if order.ready_at is not None or is_ready(order) or order.status.stage in (Stage.DELIVERING, Stage.DONE):
        return gettext("who made it is not known")
    if order.responsible is not None and order.status.stage not in LEFT_STAGES:
        return gettext("given to %(name)s, not taken yet") % {"name": display_name(order.responsible)}
    return gettext("no one has taken it") if order.status.stage not in LEFT_STAGES else ""


def _ready_text(order: Order) -> str:
    if order.ready_at is not None:
        return gettext("ready: %(who)s, %(time)s") % {
            "who": _person(order.ready_by),
            "time": short_moment(order.ready_at, with_years=True),
        }
    if is_ready(order) or order.status.stage in (Stage.DELIVERING, Stage.DONE):
        return gettext("when it got ready is not known")
    return gettext("not ready yet") if order.taken_at is not None else ""


def _person(user: User | None) -> str:
    return display_name(user) or gettext("by the status, no one is named")
