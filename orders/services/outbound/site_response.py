"""Functions that record the warnings and refusals in the response to a push. Staff see each of them once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from orders.models import Order, Source
from orders.services.timeline import write_event
from orders.sync.agreement import Agreement
from orders.sync.site_response import FieldRefusal, SiteResponse, SiteWarning
from orders.timeline_payloads import RefusedBySite, SiteWarned


@dataclass(frozen=True, slots=True)
class NewMessages:
    """The warnings and refusals that are not on the timeline yet."""

    warnings: list[SiteWarning]
    refused: dict[str, FieldRefusal]


def record_response(
    agreement: Agreement, values: Mapping[str, Any], response: SiteResponse, *, is_whole_order: bool = True
) -> NewMessages:
    """Record the site's warnings and refusals. Return the warnings and refusals that are new.

    `values` are in comparable form. A refusal that is not about the value itself is not returned: the timeline shows it
    only if the push fails. `is_whole_order` means that the site has checked the whole order, so warnings that the
    response does not repeat no longer apply.
    """
    refused = {
        name: refusal
        for name, refusal in response.refused.items()
        if name in values and agreement.refuse(name, values[name], refusal) and refusal.is_of_value
    }
    warnings = agreement.new_warnings(response.warnings, values.keys()) if is_whole_order else []
    return NewMessages(warnings, refused)


def write_response(order: Order, new: NewMessages, push_id: UUID) -> None:
    """Write the timeline entries of new messages. They are not published, since no field of the order is changed."""
    if new.refused:
        messages = dict.fromkeys(refusal.message for refusal in new.refused.values())
        write_event(
            order=order,
            payload=RefusedBySite(message=" ".join(messages), fields=tuple(sorted(new.refused))),
            source=Source.SYSTEM,
            push_id=push_id,
        )
    if new.warnings:
        write_event(
            order=order,
            payload=SiteWarned(warnings=tuple(new.warnings)),
            source=Source.SITE,
            push_id=push_id,
        )
