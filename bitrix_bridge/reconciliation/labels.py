"""Build the rows in which staff see differences, with values in three columns and buttons that apply one of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext

from bitrix_bridge.models import Difference
from bitrix_bridge.reconciliation.comparison import ARCHIVED, CHECKSUM, DELETED, LINK, VERSION
from bitrix_bridge.reconciliation.decisions import sides
from cvety_crm.users import User, display_name
from orders.presentation.timeline import Names, field_label, look_up, value_text
from orders.rules.visibility import hidden_fields
from orders.services.references import STUB_PREFIX, stub_status_name

Kind, Outcome, Side = Difference.Kind, Difference.Outcome, Difference.Side

SIGNS: dict[str, str] = {
    Outcome.FOUND: "≠",
    Outcome.REPAIRED: "✓",
    Outcome.PERSON: "!",
    Outcome.RESOLVED: "✓",
    Outcome.GONE: "–",
}
CSS: dict[str, str] = {
    Outcome.FOUND: "pending",
    Outcome.REPAIRED: "delivered",
    Outcome.PERSON: "failed",
    Outcome.RESOLVED: "delivered",
    Outcome.GONE: "cancelled",
}


@dataclass(frozen=True, slots=True)
class Button:
    """A button that applies the CRM's value or the site's value of a difference."""

    side: str
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """One difference as strings for the page. No string is marked safe."""

    difference: Difference
    label: str
    agreed: str
    ours: str
    theirs: str
    sign: str
    css: str
    decided: str
    buttons: Sequence[Button] = ()


def rows(differences: Iterable[Difference], *, may_decide: bool, reader: User | AnonymousUser) -> list[Row]:
    """Return a row for each difference, without values that the reader may not see.

    The differences should be queried with `select_related("order", "resolved_by", "run")`.
    """
    found = list(differences)
    names = look_up((one.field, value) for one in found for value in (one.agreed, one.ours, one.theirs))
    return [_row(one, _names_for(reader, one, names), may_decide) for one in found]


def _names_for(reader: User | AnonymousUser, one: Difference, names: Names) -> Names:
    return replace(names, hidden=hidden_fields(reader, one.order.delivery_date if one.order else None))


def _row(one: Difference, names: Names, may_decide: bool) -> Row:
    agreed, ours, theirs = (_value(one.field, value, names) for value in (one.agreed, one.ours, one.theirs))
    label = field_label({VERSION: "bitrix_version"}.get(one.field, one.field))
    if one.field == CHECKSUM:
        label, agreed = gettext("Lines, properties or payments"), "—"
        ours, theirs = gettext("as last received") if one.ours else gettext("not known"), gettext("changed")
        theirs = theirs if one.ours else gettext("to be read")
    if one.kind != Kind.FIELD:
        present, absent = gettext("is there"), gettext("is not there")
        label, agreed = gettext("The order"), "—"
        ours, theirs = (absent, present) if one.kind == Kind.MISSING_HERE else (present, absent)
    return Row(
        difference=one,
        label=label,
        agreed=agreed,
        ours=ours,
        theirs=theirs,
        sign=SIGNS.get(one.outcome, "?"),
        css=CSS.get(one.outcome, "failed"),
        decided=_decided(one),
        buttons=[Button(str(side), _button(one, side)) for side in sides(one)] if may_decide else (),
    )


def _value(name: str, value: Any, names: Names) -> str:
    text = value_text(name, value, names)
    if name == "status" and text == value and str(value).startswith(STUB_PREFIX):
        return stub_status_name(str(value).removeprefix(STUB_PREFIX))
    return text


def _decided(one: Difference) -> str:
    if one.outcome != Outcome.RESOLVED or one.resolved_by is None:
        return ""
    return display_name(one.resolved_by)


def _button(one: Difference, side: Difference.Side) -> str:
    if side == Side.OURS:
        return gettext("Keep ours") if one.kind == Kind.FIELD else gettext("Send to the site")
    if one.kind == Kind.MISSING_HERE:
        return gettext("Create from the site")
    if one.kind == Kind.MISSING_THERE:
        return gettext("Mark as deleted")
    if one.field in (VERSION, CHECKSUM, LINK, DELETED, ARCHIVED):
        return gettext("Read the order again")
    return gettext("Take the site's")
