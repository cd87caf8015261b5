"""The order's timeline in the words of the people who read it.

Names behind keys (statuses, slots, cities, people, products) are looked up for all entries together, one query a kind.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils import timezone
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext, gettext_lazy

from orders.models import (
    City,
    DeliverySlot,
    EventKind,
    Order,
    OrderEvent,
    OrderItem,
    PaymentMethod,
    PaymentStatus,
    PhotoAnswer,
    Product,
    Reason,
    Shop,
    Status,
)
from orders.presentation.formatting import NBSP, money, number
from orders.rules.visibility import HIDDEN
from orders.sync.fields import FIELDS, ITEMS
from orders.sync.site_response import OCCURRENCE
from orders.sync.snapshot import ProblemReason
from orders.values.paper_formats import format_label
from orders.values.phone_masking import without_phones
from orders.values.phones import format_phone

PROBLEMS = {
    ProblemReason.NOT_A_NUMBER: gettext_lazy("not a number"),
    ProblemReason.NOT_A_DATE: gettext_lazy("not a date"),
    ProblemReason.NOT_A_FLAG: gettext_lazy("neither yes nor no"),
    ProblemReason.NOT_A_PHONE: gettext_lazy("not a phone number"),
    ProblemReason.NOT_TEXT: gettext_lazy("not a text"),
    ProblemReason.NOT_AN_OBJECT: gettext_lazy("not an object"),
    ProblemReason.OUT_OF_RANGE: gettext_lazy("out of range"),
    ProblemReason.TOO_LONG: gettext_lazy("too long"),
    ProblemReason.DUPLICATE: gettext_lazy("there twice"),
}
ICONS = {
    EventKind.CREATED: "add_circle",
    EventKind.STATUS: "flag",
    EventKind.CHANGED: "edit",
    EventKind.DELETED: "delete",
    EventKind.ARCHIVED: "archive",
    EventKind.SENT: "cloud_done",
    EventKind.REFUSED: "cloud_off",
    EventKind.CONFLICT: "call_split",
    EventKind.NOTED: "info",
    EventKind.WARNED: "report",
    EventKind.PRINTED: "print",
    EventKind.PROBLEM: "warning",
    EventKind.SOLVED: "check_circle",
    EventKind.TOLD: "notifications_active",
    EventKind.PHOTO_ADDED: "photo_camera",
    EventKind.PHOTO_WITHDRAWN: "hide_image",
    EventKind.PHOTO_LINK: "link",
    EventKind.PHOTO_ANSWERED: "favorite",
}
_MONEY = {"total_amount", "delivery_fee", "discount_amount", "paid_amount"}
_REFERENCES: Mapping[str, tuple[type[Model], str]] = {
    "status": (Status, "code"),
    "delivery_slot": (DeliverySlot, "bitrix_id"),
    "city": (City, "bitrix_id"),
    "shop": (Shop, "bitrix_id"),
}
_LONGEST = 300  # characters of one value shown


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after."""

    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline, in words. None of the texts is marked safe."""

    title: str
    icon: str
    kind: str
    happened_at: datetime
    who: str
    source: str
    changes: Sequence[Change] = ()
    notes: Sequence[str] = ()
    webhook_event_id: UUID | None = None
    push_id: UUID | None = None
    photo_id: str = ""
    """The photo that the entry tells of; it may have been withdrawn since."""


@dataclass(slots=True)
class Names:
    """What keys are called; a key that is not there is shown as it is."""

    by_field: dict[str, dict[str, str]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    """Fields whose values are not for this reader."""

    def cover(self, text: str) -> str:
        """Return a typed text as this reader may read it."""
        return without_phones(text) if "recipient_phone" in self.hidden else text

    def get(self, name: str, key: Any) -> str:
        return self.by_field.get(name, {}).get(str(key), str(key))


def timeline(
    events: Iterable[OrderEvent], *, items: Iterable[OrderItem] = (), hidden: Collection[str] = ()
) -> list[Entry]:
    """Return the entries of these events. Read them with `select_related("actor")`.

    `items` are the order's present ones: they know the names of most products without a query. `hidden` are the fields
    whose values are not for this reader (`orders.rules.visibility.hidden_fields`).
    """
    found = list(events)
    names = look_up((pair for event in found for pair in _values(event)), items)
    names.hidden = frozenset(hidden)
    return [_entry(event, names) for event in found]


def field_label(name: str) -> str:
    """Return what a field of an order is called on the pages."""
    if name == ITEMS:
        return capfirst(gettext("items"))
    attribute = FIELDS[name].attribute.removesuffix("_id") if name in FIELDS else name
    attribute = {"bitrix_user": "bitrix_user_id"}.get(attribute, attribute)
    try:
        return capfirst(str(getattr(Order._meta.get_field(attribute), "verbose_name", name)))
    except FieldDoesNotExist:
        return name  # an entry of an older version of the CRM


def problem_text(problem: Mapping[str, Any]) -> str:
    """Return one unreadable field of a payload in words."""
    reason = PROBLEMS.get(problem.get("reason", ""), problem.get("reason", ""))
    value = Truncator(str(problem.get("value", ""))).chars(100)
    return gettext("%(field)s: “%(value)s” is %(reason)s") % {
        "field": problem.get("field", "?"),
        "value": value,
        "reason": reason,
    }


def _entry(event: OrderEvent, names: Names) -> Entry:
    title = event.get_kind_display()
    if event.details.get("resolved"):
        title = gettext("The site's status stays")
    return Entry(
        title=str(title),
        icon=ICONS.get(event.kind, "info"),  # type: ignore[call-overload]
        kind=event.kind,
        happened_at=event.happened_at,
        who=event.who,
        source=str(event.get_source_display()),
        changes=[
            Change(
                field_label(change["field"]),
                value_words(change["field"], change.get("old"), names),
                value_words(change["field"], change.get("new"), names),
            )
            for change in event.changes
            if event.kind != EventKind.TOLD  # its title says it
        ],
        notes=list(_notes(event, names)),
        webhook_event_id=event.webhook_event_id,
        push_id=event.push_id,
        photo_id=str(event.details.get("photo", "")),
    )


def _notes(event: OrderEvent, names: Names) -> Iterable[str]:
    details = event.details
    if event.reason and event.reason != Reason.NONE:
        yield str(event.get_reason_display())
    if (occasion := details.get("occasion")) in Reason.values and occasion != event.reason:
        yield str(Reason(occasion).label)
    if message := details.get("message"):
        yield names.cover(str(message))
    if problem := details.get("problem"):
        yield names.cover(str(problem))
    if who := details.get("who"):
        yield gettext("On the site: %(name)s") % {"name": names.cover(str(who))}
    yield from (names.cover(str(remark)) for remark in details.get("remarks", ()))
    if printed := details.get("paper_format"):
        yield gettext("Size: %(size)s") % {"size": format_label(printed)}
    if (answer := details.get("answer")) in PhotoAnswer.values:
        yield capfirst(str(PhotoAnswer(answer).label))
    if link := details.get("link"):
        yield gettext("A link was made") if link == "made" else gettext("The link was revoked")
    if comment := details.get("comment"):
        yield gettext("Comment: %(text)s") % {"text": names.cover(str(comment))}
    if courier := details.get("courier"):
        yield gettext("Courier: %(name)s") % {"name": courier}
    if created := details.get("created"):
        yield gettext("Created on the site under id %(id)s") % {"id": created}
    for key, text in (
        ("wish", gettext_lazy("Wanted here: %(field)s — %(value)s")),
        ("theirs", gettext_lazy("On the site: %(field)s — %(value)s")),
    ):
        for name, value in _mapping(details.get(key)).items():
            yield str(text) % {"field": field_label(name), "value": value_words(name, value, names)}
    values = _mapping(details.get("values"))
    if values and not details.get("created"):
        if set(values) == {"status"}:
            yield gettext("The site has the status “%(status)s”") % {
                "status": value_words("status", values["status"], names)
            }
        else:
            yield gettext("Sent: %(fields)s") % {"fields": ", ".join(field_label(name) for name in values)}
    if fields := details.get("fields"):
        yield gettext("Not sent: %(fields)s") % {"fields": ", ".join(field_label(name) for name in fields)}
    for warning in details.get("warnings", ()):
        yield _warning(warning, names)
    for unread in details.get("problems", ()):
        # Under the site's name of the field: nobody knows which of ours it would have been.
        yield problem_text({**unread, "value": HIDDEN} if names.hidden else unread)


def _warning(warning: Mapping[str, Any], names: Names) -> str:
    if warning.get("code") == OCCURRENCE and "total_amount" in names.hidden:
        return gettext("Money went to the customer's account on the site, or came from it")
    return names.cover(str(warning.get("message", "")))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def value_words(name: str, value: Any, names: Names) -> str:
    """Return a field's value, in its comparable form, as staff read it."""
    if value in (None, "", [], {}):
        return "—"
    if name in names.hidden and name != ITEMS:
        return HIDDEN
    if name == ITEMS and isinstance(value, list):
        return "; ".join(_line(line, names) for line in value)
    if name in _MONEY:
        return _money(value)
    if name in _REFERENCES or name == "responsible":
        return names.get(name, value)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if name == "courier_notified_at":
        return _moment(value)
    if name == "delivery_date":
        return _date(value)
    if name == "recipient_phone":
        return format_phone(str(value))
    if name == "payment_method":
        return str(dict(PaymentMethod.choices).get(value, value))
    if name == "payment_status":
        return str(dict(PaymentStatus.choices).get(value, value))
    return Truncator(names.cover(str(value))).chars(_LONGEST)


def _line(line: Any, names: Names) -> str:
    try:
        what, quantity, price = line
        count = number(Decimal(quantity))
        each = HIDDEN if ITEMS in names.hidden else _money(price)
        return f"{names.get(ITEMS, what)} — {count}{NBSP}×{NBSP}{each}"
    except (TypeError, ValueError, InvalidOperation):
        return str(line)


def _money(value: Any) -> str:
    try:
        return money(Decimal(str(value)))
    except InvalidOperation:
        return str(value)


def _date(value: Any) -> str:
    try:
        return f"{date.fromisoformat(str(value)):%d.%m.%Y}"
    except ValueError:
        return str(value)


def _moment(value: Any) -> str:
    try:
        return f"{timezone.localtime(datetime.fromisoformat(str(value))):%d.%m.%Y %H:%M}"
    except ValueError:
        return str(value)


def look_up(values: Iterable[tuple[str, Any]], items: Iterable[OrderItem] = ()) -> Names:
    """Return the names behind the keys in these values of fields, one query a kind."""
    keys: dict[str, set[str]] = {}
    for name, key in _keys(values):
        keys.setdefault(name, set()).add(str(key))
    names = Names()
    for name, (model, key) in _REFERENCES.items():
        if wanted := keys.get(name):
            rows = model._default_manager.filter(**{f"{key}__in": wanted})
            names.by_field[name] = {str(getattr(row, key)): str(row) for row in rows}
    if people := keys.get("responsible"):
        users = User.objects.filter(username__in=people)
        names.by_field["responsible"] = {user.username: user.get_full_name() or user.username for user in users}
    products = {str(item.bitrix_product_id): item.name for item in items if item.bitrix_product_id}
    if missing := {key for key in keys.get(ITEMS, set()) if key.isdecimal() and key not in products}:
        found = Product.objects.filter(bitrix_product_id__in=missing).values_list("bitrix_product_id", "name")
        products |= {str(key): name for key, name in found}
    names.by_field[ITEMS] = products
    return names


def _values(event: OrderEvent) -> Iterable[tuple[str, Any]]:
    pairs = [(change["field"], value) for change in event.changes for value in (change.get("old"), change.get("new"))]
    for key in ("wish", "theirs", "values"):
        pairs += _mapping(event.details.get(key)).items()
    return pairs


def _keys(values: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    for name, value in values:
        if value in (None, "", [], {}):
            continue
        if name == ITEMS and isinstance(value, list):
            yield from ((ITEMS, line[0]) for line in value if isinstance(line, list) and line)
        elif name in _REFERENCES or name == "responsible":
            yield name, value
