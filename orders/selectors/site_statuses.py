"""The statuses of the site beside those of the CRM, for the page on which staff decide about them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count
from django.db.models.fields.json import KT

from orders.models import Order, SiteStatus, Stage, Status
from orders.rules.status_names import fitting_stages, is_agreed


@dataclass(frozen=True, slots=True)
class ComparedStatus:
    """A code of the site: its name and place there, and the status that has the code in the CRM."""

    bitrix_code: str
    site_name: str
    """The name on the site, or an empty string if the site has not reported it."""
    site_sort: int | None
    status: Status | None
    """The status of the CRM, or None if no status has the code."""
    is_fitting: bool
    """Whether the name fits the stage, or a user has confirmed the stage for this name."""
    is_sent: bool
    """Whether this code is the one that is pushed for the status."""
    orders: int = 0
    """The number of orders that the site has in this code."""

    @property
    def is_undecided(self) -> bool:
        """Return whether a user must choose a stage for this code."""
        return self.status is not None and (self.is_stub or not self.is_fitting)

    @property
    def is_stub(self) -> bool:
        """Return whether the status was received from the site and has no stage yet."""
        return self.status is not None and self.status.needs_attention and not self.status.is_questioned

    @property
    def has_own_status(self) -> bool:
        """Return whether the status of the CRM has no other codes and has the site's name."""
        return self.status is not None and len(self.status.bitrix_codes) == 1 and self.status.name == self.site_name

    @property
    def suggested(self) -> Sequence[Stage]:
        """Return the stages that fit the site's name, the most probable one first."""
        return fitting_stages(self.site_name)


def compared_statuses(*, with_orders: bool = True) -> list[ComparedStatus]:
    """Return all codes of the site, undecided ones first, then sorted as on the site.

    This takes two queries, and one more if `with_orders`. The latter reads all orders.
    """
    names = {row.code: row for row in SiteStatus.objects.all()}
    owners = {code: status for status in Status.objects.all() for code in status.bitrix_codes}
    counts = _orders_by_code() if with_orders else Counter[str]()
    rows = [
        _compared(code, names.get(code), owners.get(code), counts[code]) for code in dict.fromkeys([*names, *owners])
    ]
    last = max((row.site_sort or 0 for row in rows), default=0) + 1
    return sorted(rows, key=lambda row: (not row.is_undecided, last if row.site_sort is None else row.site_sort))


def undecided() -> int:
    """Return the number of statuses for which a user must choose a stage: questioned ones, and stubs."""
    return Status.objects.filter(needs_attention=True).exclude(bitrix_codes=[]).count()


def _compared(code: str, named: SiteStatus | None, status: Status | None, orders: int) -> ComparedStatus:
    return ComparedStatus(
        bitrix_code=code,
        site_name=named.name if named else "",
        site_sort=named.sort if named else None,
        status=status,
        is_fitting=named is None or status is None or is_agreed(named, status),
        is_sent=status is not None and status.bitrix_codes[0] == code,
        orders=orders,
    )


def _orders_by_code() -> Counter[str]:
    rows = Order.objects.order_by().annotate(code=KT("bitrix_state__site_status")).values_list("code")
    return Counter({code: number for code, number in rows.annotate(number=Count("pk")) if code})
