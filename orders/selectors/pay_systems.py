"""The pay systems of the site with their payment methods and their orders."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from cvety_crm.composed_statements import Statement
from orders.models import Order, PaymentMethod, PaySystem
from orders.rules.pay_system_names import suggested_method

METHOD_UNKNOWN = Q(unknown_values__has_key="payment_method")
"""The condition of orders whose payment method is unknown."""


@dataclass(frozen=True, slots=True)
class UsedPaySystem:
    """A pay system with the number of its orders."""

    system: PaySystem
    orders: int
    unknown: int
    """The number of orders whose payment method is unknown."""

    @property
    def is_undecided(self) -> bool:
        """Return whether a user must choose a payment method, because orders use the pay system."""
        return not self.system.payment_method and self.orders > 0

    @property
    def suggested(self) -> PaymentMethod | None:
        """Return the payment method that the name suggests, or None. It is never applied by itself."""
        return None if self.system.payment_method else suggested_method(self.system.name)


def initial_methods() -> Mapping[int, str]:
    """Return the payment methods of the setting, by the ids of pay systems.

    A pay system gets this method when the CRM first sees it. Afterwards only users choose.
    """
    return {key: method for key, method in settings.BITRIX_PAY_SYSTEMS.items() if method in PaymentMethod.values}


def methods_of_systems() -> dict[int, str]:
    """Return the payment method of each pay system by its id on the site, with one query.

    The method is empty if none is chosen. Pay systems that only the setting names are included, and come first.
    """
    return {**initial_methods(), **dict(_methods().rows({}))}


def sendable_systems() -> dict[int, str]:
    """Return the payment methods of the pay systems that the site offers and that have one, with one query."""
    rows = list(_rows().values_list("bitrix_id", "payment_method", "is_active"))
    methods = {**initial_methods(), **{key: method for key, method, _is_active in rows}}
    inactive = {key for key, _method, is_active in rows if not is_active}
    return {key: method for key, method in methods.items() if method and key not in inactive}


def used_pay_systems() -> list[UsedPaySystem]:
    """Return all pay systems with the numbers of their orders, undecided ones first, then sorted by id.

    This takes two queries. The second one reads the pay system of all orders.
    """
    counts = _counts()
    systems = _rows().select_related("chosen_by")
    found = [UsedPaySystem(system, *counts.get(system.bitrix_id, (0, 0))) for system in systems]
    return sorted(found, key=lambda one: not one.is_undecided)


def unmapped() -> list[UsedPaySystem]:
    """Return the pay systems without a payment method that orders use, those with the most orders first."""
    systems = list(_rows().filter(payment_method=""))
    if not systems:
        return []
    counts = _counts(Q(pay_system__in=[system.bitrix_id for system in systems]))
    found = [UsedPaySystem(system, *counts.get(system.bitrix_id, (0, 0))) for system in systems]
    return sorted((one for one in found if one.is_undecided), key=lambda one: -one.orders)


def undecided() -> int:
    """Return the number of pay systems for which a user must choose a payment method."""
    return _rows().filter(Exists(Order.objects.filter(pay_system=OuterRef("bitrix_id"))), payment_method="").count()


@cache
def _methods() -> Statement:
    return Statement.of(_rows().values_list("bitrix_id", "payment_method"))


def _rows() -> QuerySet[PaySystem]:
    return PaySystem.objects.order_by("bitrix_id")


def _counts(condition: Q | None = None) -> dict[int, tuple[int, int]]:
    orders = Order.objects.order_by().filter(condition or Q(pay_system__isnull=False))
    counted = orders.values_list("pay_system").annotate(number=Count("pk"), unknown=Count("pk", filter=METHOD_UNKNOWN))
    return {key: (number, unknown) for key, number, unknown in counted if key is not None}
