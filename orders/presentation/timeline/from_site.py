"""Renderers of timeline entries that webhook events and other data from the site can cause."""

from collections.abc import Iterator

from django.utils.translation import gettext

from orders.presentation.timeline import notes
from orders.presentation.timeline.labels import field_label
from orders.presentation.timeline.names import Names
from orders.presentation.timeline.registry import renders
from orders.presentation.timeline.values import value_text
from orders.timeline_payloads import (
    ArchivedOnSite,
    BothChanged,
    DeletedOnSite,
    FieldsChanged,
    Noted,
    OrderCreated,
    SiteHistory,
    StatusChanged,
)


@renders(OrderCreated, icon="add_circle")
def order_created(payload: OrderCreated, names: Names) -> Iterator[str]:
    """Yield the remarks on the new order, and the fields that could not be read."""
    yield from notes.remarks(payload, names)
    yield from notes.problems(payload, names)


@renders(StatusChanged, icon="flag")
def status_changed(payload: StatusChanged, names: Names) -> Iterator[str]:
    """Yield the author of a change made on the site, the remarks, the comment, and fields that could not be read."""
    yield from _history(payload, names)
    yield from notes.problems(payload, names)


@renders(FieldsChanged, icon="edit")
def fields_changed(payload: FieldsChanged, names: Names) -> Iterator[str]:
    """Yield what `status_changed` yields, and the courier."""
    yield from _history(payload, names)
    yield from notes.courier(payload.courier)
    yield from notes.problems(payload, names)


@renders(BothChanged, icon="call_split")
def both_changed(payload: BothChanged, names: Names) -> Iterator[str]:
    """Yield the values that were not applied to the order, the remarks, and the fields that could not be read."""
    yield from notes.remarks(payload, names)
    for name, value in payload.desired.items():
        yield gettext("Wanted here: %(field)s — %(value)s") % {
            "field": field_label(name),
            "value": value_text(name, value, names),
        }
    yield from notes.site_values(payload.site_values, names)
    yield from notes.problems(payload, names)


def _noted_title(payload: Noted) -> str:
    return gettext("The site's status stays") if payload.resolved else ""


@renders(Noted, icon="info", title=_noted_title)
def noted(payload: Noted, names: Names) -> Iterator[str]:
    """Yield the site's values, the remarks, and the fields that could not be read."""
    yield from notes.remarks(payload, names)
    yield from notes.site_values(payload.site_values, names)
    yield from notes.problems(payload, names)


@renders(DeletedOnSite, icon="delete")
def deleted_on_site(payload: DeletedOnSite, names: Names) -> Iterator[str]:
    """Yield nothing: the title is enough."""
    yield from ()


@renders(ArchivedOnSite, icon="archive")
def archived_on_site(payload: ArchivedOnSite, names: Names) -> Iterator[str]:
    """Yield nothing: the title is enough."""
    yield from ()


def _history(payload: SiteHistory, names: Names) -> Iterator[str]:
    if payload.site_author:
        yield gettext("On the site: %(name)s") % {"name": names.masked(payload.site_author)}
    yield from notes.remarks(payload, names)
    yield from notes.comment(payload.comment, names)
