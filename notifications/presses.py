"""What happens when a member of staff presses a button below a message: the next step of the order, or its undo.

A press is done by the same services, with the same rights, as a button on a page. The order is that of the message, so
a press can't name a different one.
"""

from dataclasses import dataclass
from uuid import UUID, uuid4

from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.outbox import schedule_task
from cvety_crm.users import User
from notifications.links import STEP, UNDO
from notifications.models import TelegramMessage
from orders import services
from orders.exceptions import NotAllowedError
from orders.models import EventKind, Order, Source, Status
from orders.rules.hold import MARGIN, held_until
from orders.rules.next_step import STAGES, Step, StepKind, rights_of, step_of, steps_of_staff
from orders.rules.staff_actions import may_change_status
from orders.rules.visibility import may_see_orders
from orders.services.steps import do_step, other_step

REFRESH = "notifications.telegram.refresh"


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a button, as Telegram reports it."""

    chat_id: str
    message_id: int
    telegram_id: int
    """The number of the account of the person who has pressed the button."""
    data: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The text that only the person who has pressed the button reads. An alert must be closed by a tap."""

    text: str
    is_alert: bool = True


def press(pressed: Press) -> Reply:
    """Do what the button says, and return the reply to the person. The message is updated by a task afterwards."""
    user = User.objects.filter(telegram_id=pressed.telegram_id, is_active=True).first()
    if user is None:
        text = gettext(
            "The CRM does not know you. Ask the owner to enter the number %(number)s as “Telegram id” on your page."
        )
        return Reply(text % {"number": pressed.telegram_id})
    if not may_see_orders(user):
        return Reply(_not_allowed())
    message = TelegramMessage.objects.filter(chat_id=pressed.chat_id, telegram_message_id=pressed.message_id).first()
    if message is None or message.order_id is None:
        return Reply(gettext("This message is outdated: open the order in the CRM."))
    order = Order.objects.select_related("status", "responsible").get(pk=message.order_id)
    what, _colon, value = pressed.data.partition(":")
    if what == UNDO:
        reply = _undo(order, value, user)
    elif what == STEP and value in StepKind.values:
        reply = _step(order, StepKind(value), user)
    else:
        return Reply(gettext("This message is outdated: open the order in the CRM."))
    _refresh(message)
    return reply


def _step(order: Order, kind: StepKind, user: User) -> Reply:
    statuses = {status.code: status for status in Status.objects.all()}
    step = step_of(order, statuses, user)
    if step is None or step.kind != kind:
        return Reply(_reason(order, kind, step, statuses))
    try:
        do_step(order, step, user, uuid4(), Source.TELEGRAM)
    except NotAllowedError as refusal:
        return Reply(str(refusal))
    return Reply(f"№ {order.order_number}: {step.label}", is_alert=False)


def _reason(order: Order, kind: StepKind, step: Step | None, statuses: dict[str, Status]) -> str:
    """Return why this user can't do this step now: it is done, others do it, or a different step is next."""
    if done := _who_has_done(order, kind):
        return done
    if kind in (possible.kind for possible in steps_of_staff(order, statuses)):
        return _who_does(order, kind)
    return other_step(order, step)


def _who_has_done(order: Order, kind: StepKind) -> str:
    """Return who has done this step and when, or an empty string if it is not done."""
    if kind == StepKind.TAKE:
        is_done, event, text = order.taken_at is not None, EventKind.TAKEN, gettext("Taken already: %(who)s")
    elif kind == StepKind.READY:
        is_done, event, text = order.ready_at is not None, EventKind.READY, gettext("Ready already: %(who)s")
    else:
        is_done, event = order.status.stage == STAGES.get(kind), EventKind.STATUS
        text = gettext("Done already, “%(status)s”: %(who)s")
    if not is_done:
        return ""
    entry = order.events.filter(kind=event).select_related("actor").first()
    values = {"status": order.status.name, "who": entry.who_and_when if entry is not None else "—"}
    return text % values


def _who_does(order: Order, kind: StepKind) -> str:
    if kind == StepKind.ACCEPT:
        return gettext("A manager does this.")
    if kind not in (StepKind.TAKE, StepKind.READY):
        return gettext("The one who delivers does this: a dispatcher or a manager.")
    if order.responsible is not None:
        return gettext("The florist of this order does this: %(name)s.") % {"name": order.responsible.get_full_name()}
    return gettext("A florist does this.")


def _undo(order: Order, event_id: str, user: User) -> Reply:
    rights = rights_of(user)
    if not (may_change_status(user) or rights.make or rights.deliver):
        return Reply(_not_allowed())
    try:
        undone = services.undo_status(order_id=order.pk, event_id=UUID(event_id), actor=user)
    except NotAllowedError as refusal:
        return Reply(str(refusal))
    except ValueError:
        return Reply(gettext("This message is outdated: open the order in the CRM."))
    text = gettext("Order № %(number)s is “%(status)s” again.")
    return Reply(text % {"number": undone.order_number, "status": undone.status.name}, is_alert=False)


def _not_allowed() -> str:
    return gettext("Your role in the CRM does not allow this.")


def _refresh(message: TelegramMessage) -> None:
    """Queue the update of the message: now, and after the hold period, when the step can't be undone any more."""
    schedule_task(REFRESH, str(message.pk), at=timezone.now())
    until = held_until()
    if until is not None:
        schedule_task(REFRESH, str(message.pk), at=until + MARGIN)
