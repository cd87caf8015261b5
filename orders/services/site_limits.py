"""The services that store what the site can store, and that record values which it has damaged."""

from collections.abc import Mapping
from uuid import UUID

from django.utils import timezone

from cvety_crm.bulk_writes import Writes
from orders.models import Order, SiteReport, Source
from orders.services.timeline import new_event
from orders.sync.site_response import DAMAGED, SiteWarning
from orders.sync.site_storage import Damaged, SiteLimits
from orders.timeline_payloads import SiteWarned


def record_site_limits(limits: SiteLimits) -> None:
    """Store the limits that the site has reported, with one statement."""
    report = SiteReport(limits=limits.as_json(), reported_at=timezone.now())
    SiteReport.objects.bulk_create(
        [report], update_conflicts=True, unique_fields=["id"], update_fields=["limits", "reported_at"]
    )


def current_limits() -> SiteLimits:
    """Return the limits that the site has reported last; without a report, no limit is known."""
    limits = SiteReport.objects.values_list("limits", flat=True).first()
    return SiteLimits.from_json(limits)


def write_damaged(
    order: Order,
    pairs: Mapping[str, Damaged],
    *,
    push_id: UUID | None = None,
    webhook_event_id: UUID | None = None,
    writes: Writes,
) -> None:
    """Write a timeline entry about values that the site holds in a different form. It changes no field of the order."""
    if not pairs:
        return
    warnings = tuple(
        SiteWarning(DAMAGED, "", about=",".join(pair.losses), field=name) for name, pair in sorted(pairs.items())
    )
    writes.insert(
        new_event(
            order=order,
            payload=SiteWarned(warnings=warnings),
            source=Source.SITE,
            push_id=push_id,
            webhook_event_id=webhook_event_id,
        )
    )
