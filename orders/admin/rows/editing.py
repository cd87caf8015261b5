"""The values of an order that are changed by a tap in its row: when it is delivered, the florist, the courier.

A value travels as a string: in the form, in the check of what the page showed, and in the URL that undoes the change.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.users import User, display_name
from orders import services
from orders.admin.lookup import uuid_or_none
from orders.admin.permissions import may_assign, may_edit
from orders.models import Courier, DeliverySlot, Order
from orders.presentation.formatting import delivery_time
from orders.rules.doubts import Doubt, doubt_of_time
from orders.services import NotAllowedError
from orders.values.staff import staff

_SEPARATOR = "|"


class Save(Protocol):
    """A function that sets a value of an order. `seen` is the value that the page showed."""

    def __call__(self, order: Order, value: str, seen: str, actor: User) -> Order: ...


@dataclass(frozen=True, slots=True)
class Editor:
    """A value that can be changed in a row."""

    key: str
    title: str | Promise
    permission: Callable[[HttpRequest], bool]
    template: str
    value: Callable[[Order], str]
    text: Callable[[Order], str]
    """Returns the value as staff read it."""
    save: Save
    """Sets the value. Raises `NotAllowedError` if it is refused, or if a colleague has changed what the page showed."""
    context: Callable[[Order, str | None], Mapping[str, Any]]
    """Returns the context of the template. The string is a refused value that the form shows again, or None."""
    posted: Callable[[QueryDict], str] = lambda data: data.get("value", "")
    doubts: Callable[[Order, str], Sequence[Doubt | None]] = lambda _order, _value: ()
    """Returns the doubts about a value that the user must confirm."""


def _florist_value(order: Order) -> str:
    return str(order.responsible_id or "")


def _save_florist(order: Order, value: str, seen: str, actor: User) -> Order:
    florist = staff().filter(pk=int(value)).first() if value.isdecimal() else None
    if value and florist is None:
        raise NotAllowedError(gettext("There is no such member of staff."))
    was = int(seen) if seen.isdecimal() else None
    return services.assign_florist(order_id=order.pk, florist=florist, actor=actor, seen=was)


def _florists(order: Order, _typed: str | None) -> Mapping[str, Any]:
    return {"choices": [(str(user.pk), display_name(user)) for user in staff()], "no_one": gettext("No florist")}


def _courier_value(order: Order) -> str:
    return str(order.courier_id or "")


def _save_courier(order: Order, value: str, seen: str, actor: User) -> Order:
    courier = _courier(value)
    if value and courier is None:
        raise NotAllowedError(gettext("There is no such courier."))
    was = uuid_or_none(seen)
    return services.assign_courier(order_id=order.pk, courier=courier, actor=actor, seen=was)


def _courier(value: str) -> Courier | None:
    key = uuid_or_none(value)
    return Courier.objects.filter(pk=key).first() if key else None


def _couriers(order: Order, _typed: str | None) -> Mapping[str, Any]:
    found = Courier.objects.filter(is_active=True).order_by("name")
    return {"choices": [(str(courier.pk), courier.name) for courier in found], "no_one": gettext("No courier")}


def _when_value(order: Order) -> str:
    day = order.delivery_date.isoformat() if order.delivery_date else ""
    return f"{day}{_SEPARATOR}{order.delivery_slot_id or ''}"


def _save_when(order: Order, value: str, seen: str, actor: User) -> Order:
    day_text, _separator, slot = value.partition(_SEPARATOR)
    day = _day(day_text)
    if slot and not DeliverySlot.objects.filter(bitrix_id=slot).exists():
        raise NotAllowedError(gettext("There is no such delivery slot."))
    seen_day, _separator, seen_slot = seen.partition(_SEPARATOR)
    return services.edit_order(
        order_id=order.pk,
        changes={"delivery_date": day, "delivery_slot": slot or None},
        actor=actor,
        seen={"delivery_date": seen_day or None, "delivery_slot": seen_slot or None},
    )


def _doubts_of_when(order: Order, value: str) -> Sequence[Doubt | None]:
    day_text, _separator, slot = value.partition(_SEPARATOR)
    if value == _when_value(order):
        return ()
    try:
        day = _day(day_text)
    except NotAllowedError:
        return ()  # saving refuses it
    chosen = DeliverySlot.objects.filter(bitrix_id=slot).first() if slot else None
    return [doubt_of_time(day, chosen, now=timezone.now(), is_day_new=day != order.delivery_date)]


def _day(text: str) -> date | None:
    """Return the date. Raise `NotAllowedError` if the string is not one."""
    if not text:
        return None
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year < 2100:
        raise NotAllowedError(gettext("“%(text)s” is not a date.") % {"text": text[:20]})
    return found


def _slots(order: Order, typed: str | None) -> Mapping[str, Any]:
    day, _separator, slot = (_when_value(order) if typed is None else typed).partition(_SEPARATOR)
    return {"day": day, "slot": slot, "slots": list(DeliverySlot.objects.order_by("starts_at", "name"))}


def _posted_when(data: QueryDict) -> str:
    if "value" in data:
        return data.get("value") or ""
    return f"{data.get('date', '')}{_SEPARATOR}{data.get('slot', '')}"


EDITORS: Mapping[str, Editor] = {
    editor.key: editor
    for editor in (
        Editor(
            "when",
            _("When to deliver"),
            may_edit,
            "orders/list/edit_when.html",
            _when_value,
            lambda order: delivery_time(order.delivery_date, order.delivery_slot),
            _save_when,
            _slots,
            _posted_when,
            _doubts_of_when,
        ),
        Editor(
            "florist",
            _("Florist"),
            may_assign,
            "orders/list/edit_person.html",
            _florist_value,
            lambda order: display_name(order.responsible) or gettext("no one"),
            _save_florist,
            _florists,
        ),
        Editor(
            "courier",
            _("Courier"),
            may_assign,
            "orders/list/edit_person.html",
            _courier_value,
            lambda order: order.courier.name if order.courier else gettext("no one"),
            _save_courier,
            _couriers,
        ),
    )
}
"""The values that can be changed in a row, by the name in the URL."""
