"""The dialogs in which users do the steps that need a choice."""

from orders.admin.order_urls import order_url
from orders.models import Order
from orders.rules.next_step import Step, StepKind

_FIELDS = {StepKind.COURIER: "courier"}
"""The values that are chosen in a step, by the names of the editors of a row (`orders.admin.rows.editing`)."""


def step_url(step: Step, order: Order) -> str:
    """Return the URL of the dialog in which the user does this step, or an empty string for a step of one tap."""
    field = _FIELDS.get(step.kind)
    return order_url("edit", order.pk, field) if field else ""
