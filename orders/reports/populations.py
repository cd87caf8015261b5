"""The sets of orders that reports count. The order list can be filtered by each of them."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.lookups import GreaterThan
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models import Payment, Source, Stage
from orders.rules.lateness import DueAt


@dataclass(frozen=True, slots=True)
class Population:
    """A set of orders, with its name in the filter of the order list."""

    key: str
    label: str | Promise
    condition: Callable[[str], Q]
    """The condition, for a path to the order, such as `order__`."""


def is_sold(prefix: str = "") -> Q:
    """Return the condition of orders that are neither cancelled nor deleted on the site."""
    not_cancelled = Q(**{f"{prefix}is_cancelled": False, f"{prefix}is_deleted_on_site": False})
    return not_cancelled & ~Q(**{f"{prefix}status__stage": Stage.CANCELLED})


def is_refused(prefix: str = "") -> Q:
    """Return the condition of all other orders."""
    flags = Q(**{f"{prefix}is_cancelled": True}) | Q(**{f"{prefix}is_deleted_on_site": True})
    return flags | Q(**{f"{prefix}status__stage": Stage.CANCELLED})


def is_refunded(prefix: str = "") -> Q:
    """Return the condition of orders of which some money was given back."""
    key = f"{prefix.removesuffix('__')}_id" if prefix else "pk"
    return Q(Exists(Payment.objects.filter(order=OuterRef(key), amount__lt=0)))


def is_delivered(prefix: str = "") -> Q:
    """Return the condition of delivered orders whose date, and whose time of delivery, is known. Pickup is none."""
    known = {f"{prefix}completed_at__isnull": False, f"{prefix}delivery_date__isnull": False}
    return is_sold(prefix) & Q(**{f"{prefix}status__stage": Stage.DONE, f"{prefix}is_pickup": False}, **known)


def is_to_deliver(prefix: str = "") -> Q:
    """Return the condition of orders that are delivered or to be delivered. Pickup is none."""
    return is_sold(prefix) & Q(**{f"{prefix}is_pickup": False})


def is_delivered_late(_prefix: str = "") -> Q:
    """Return the condition of orders that were delivered late, for a query on orders."""
    return is_delivered() & Q(GreaterThan(F("completed_at"), DueAt()))


def is_accepted(prefix: str = "") -> Q:
    """Return the condition of orders of the site that a known member of staff has accepted."""
    known = {f"{prefix}accepted_at__isnull": False, f"{prefix}accepted_by__isnull": False}
    return Q(**{f"{prefix}source": Source.SITE}, **known)


def is_made(prefix: str = "") -> Q:
    """Return the condition of orders whose bouquet was marked as ready."""
    return Q(**{f"{prefix}ready_at__isnull": False})


SOLD = Population("sold", _("not cancelled"), is_sold)
REFUSED = Population("refused", _("cancelled or deleted"), is_refused)
REFUNDED = Population("refunded", _("with a refund"), is_refunded)
DELIVERED = Population("delivered", _("delivered, time known"), is_delivered)
TO_DELIVER = Population("to_deliver", _("delivery, not cancelled"), is_to_deliver)
LATE = Population("late", _("delivered late"), is_delivered_late)
ACCEPTED = Population("accepted", _("of the site, accepted by staff"), is_accepted)
MADE = Population("made", _("bouquet marked as ready"), is_made)
POPULATIONS = {one.key: one for one in (SOLD, REFUSED, REFUNDED, TO_DELIVER, DELIVERED, LATE, ACCEPTED, MADE)}
