"""The rendering of a message from the current data. The number of queries does not depend on the number of items."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext

from notifications import texts
from notifications.links import STEP, UNDO, Button, buttons, is_public
from notifications.models import TelegramMessage
from orders import services
from orders.models import Order, OrderEvent, OrderItem, Status
from orders.rules.hold import hold_period, release_time
from orders.rules.making import leave_out_held
from orders.rules.next_step import steps_of_staff

_RELATED = (
    *("status", "customer", "city", "shop", "delivery_slot", "responsible", "pay_system"),
    *("taken_by", "ready_by"),
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The content of a message: Telegram's HTML, and its buttons."""

    text: str
    buttons: tuple[Button, ...] = ()

    @property
    def presses(self) -> str:
        """Return what the buttons report, separated by spaces."""
        return " ".join(button.press for button in self.buttons if button.press)

    def without_steps(self) -> "Rendered":
        """Return the content with only those buttons that open a URL."""
        return Rendered(self.text, tuple(button for button in self.buttons if not button.press))


def preview(message: TelegramMessage) -> str:
    """Return the HTML that was sent, or the HTML that would be sent now."""
    return message.text or render(message).text


def render(message: TelegramMessage, *, with_held: bool = False) -> Rendered:
    """Return the content of the message, rendered from the current data. For an alert, return the stored text.

    Steps in their hold period are left out, unless `with_held`. Then the message also has a button that undoes them.
    """
    if message.order_id is None:
        return Rendered(message.text)
    order = Order.objects.select_related(*_RELATED).get(pk=message.order_id)
    items = list(OrderItem.objects.filter(order=order))
    event = OrderEvent.objects.select_related("actor").get(pk=message.event_id) if message.event_id else None
    undoable = services.undoable_change(order) if with_held else None
    if not with_held:
        # The order is not saved.
        order.status = services.released_status(order)
        leave_out_held(order)
    facts = texts.OrderFacts(order=order, items=items, event=event, customer_orders=_orders_so_far(order))
    if message.kind == TelegramMessage.Kind.NEW_ORDER:
        text = texts.new_order(facts)
    elif message.kind == TelegramMessage.Kind.PHOTO:
        text = texts.photo_answer(facts)
    else:
        text = texts.status_change(facts, _status_names(event))
    return Rendered(text, (*_presses(order, undoable), *buttons(order)))


def release_time_of(order: Order) -> datetime | None:
    """Return when the last step of the order may be reported outside the CRM, or None if it may be reported now."""
    facts = [moment + hold_period() for moment in (order.taken_at, order.ready_at) if moment is not None]
    found = [release_time(until) for until in (order.status_held_until, *facts)] if hold_period() else []
    return max((moment for moment in found if moment is not None), default=None)


def _presses(order: Order, undoable: OrderEvent | None) -> tuple[Button, ...]:
    """Return the buttons whose presses Telegram reports to the CRM: those of the next steps, and that of an undo."""
    if not is_public(settings.PUBLIC_URL):
        return ()  # Telegram can't report a press
    statuses = {status.code: status for status in Status.objects.all()}
    steps = [Button(step.label, press=f"{STEP}:{step.kind}") for step in steps_of_staff(order, statuses)]
    if undoable is not None:
        steps.append(Button(gettext("Undo"), press=f"{UNDO}:{undoable.pk}"))
    return tuple(steps)


def _orders_so_far(order: Order) -> int:
    """Return the position of this order among the customer's orders, or 0 without a customer."""
    if order.customer_id is None:
        return 0
    return Order.objects.filter(customer_id=order.customer_id, created_at__lte=order.created_at).count()


def _status_names(event: OrderEvent | None) -> dict[str, str]:
    codes = [code for change in texts.status_changes(event) for code in (change["old"], change["new"]) if code]
    return dict(Status.objects.filter(code__in=codes).values_list("code", "name")) if codes else {}
