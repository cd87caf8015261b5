"""The sets of orders that reports count. The order list can be filtered by each of them."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models import Payment, Stage


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


def is_made(prefix: str = "") -> Q:
    """Return the condition of orders whose bouquet was marked as ready."""
    return Q(**{f"{prefix}ready_at__isnull": False})


SOLD = Population("sold", _("not cancelled"), is_sold)
REFUSED = Population("refused", _("cancelled or deleted"), is_refused)
REFUNDED = Population("refunded", _("with a refund"), is_refunded)
DELIVERED = Population("delivered", _("delivered, time known"), is_delivered)
MADE = Population("made", _("bouquet marked as ready"), is_made)
POPULATIONS = {one.key: one for one in (SOLD, REFUSED, REFUNDED, DELIVERED, MADE)}
