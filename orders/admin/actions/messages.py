"""The record of a message that was opened in WhatsApp or copied on an order's page or in the dialog of a row."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.messages import message_panel, sent_text
from orders.admin.permissions import may_write_to_people
from orders.models import Order
from orders.services import NotAllowedError
from orders.timeline_payloads import MessageSent


class Messages(Feature[Order]):
    """The panel with the messages, and the URL to which the page reports a tap."""

    def urls(self) -> list[URLPattern]:
        """Return the URL of the reports."""
        return [
            self.view(
                "<uuid:key>/messages/<uuid:template>/",
                self.record,
                name="message",
                methods=POST,
                permission=may_write_to_people,
            )
        ]

    def page_context(self, request: HttpRequest, row: Order, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the context of the panel."""
        return {"message_panel": message_panel(row, request.user)}

    def record(self, request: HttpRequest, key: UUID, template: UUID) -> HttpResponse:
        """Record the tap, and return who has sent the message and when, as plain text.

        The response has the status 409 if the service refuses it, and contains the reason.
        """
        try:
            event = services.record_message(
                order_id=key,
                template_id=template,
                language=request.POST.get("language", ""),
                channel=request.POST.get("channel", ""),
                actor=staff_user(request),
            )
        except Order.DoesNotExist:
            raise Http404 from None
        except NotAllowedError as refusal:
            return HttpResponse(str(refusal), status=409, content_type="text/plain; charset=utf-8")
        text = sent_text(MessageSent.from_json(event.details), event)
        return HttpResponse(text, content_type="text/plain; charset=utf-8")
