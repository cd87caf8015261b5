"""What the site says beside its answer to a push: staff read it on the order's timeline, each thing once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from orders.models import Order, Source
from orders.services.timeline import write_event
from orders.sync.site_response import FieldRefusal, SiteResponse, SiteWarning
from orders.sync.three_way_merge import Agreement
from orders.timeline_payloads import RefusedBySite, SiteWarned


@dataclass(frozen=True, slots=True)
class News:
    """What staff have not been told yet."""

    warnings: list[SiteWarning]
    refused: dict[str, FieldRefusal]


def record_response(
    agreement: Agreement, values: Mapping[str, Any], words: SiteResponse, *, has_more_response: bool = True
) -> News:
    """Remember what the site has said to these values (comparable form); return what is news.

    Refusals that have nothing to do with the value itself are told when the push has failed. `has_more_response`: the
    site has looked at the whole order, so that what it no longer warns of is no longer so.
    """
    refused = {
        name: refusal
        for name, refusal in words.refused.items()
        if name in values and agreement.refuse(name, values[name], refusal) and refusal.is_of_value
    }
    warnings = agreement.news_of(words.warnings, values.keys()) if has_more_response else []
    return News(warnings, refused)


def write_response(order: Order, news: News, push_id: UUID) -> None:
    """Write the entries. They are not published: there is nothing to send."""
    if news.refused:
        messages = dict.fromkeys(refusal.message for refusal in news.refused.values())
        write_event(
            order=order,
            payload=RefusedBySite(message=" ".join(messages), fields=tuple(sorted(news.refused))),
            source=Source.SYSTEM,
            push_id=push_id,
        )
    if news.warnings:
        write_event(
            order=order,
            payload=SiteWarned(warnings=tuple(news.warnings)),
            source=Source.SITE,
            push_id=push_id,
        )
