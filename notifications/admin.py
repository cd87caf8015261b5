"""The admin pages of Telegram chats and Telegram messages."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from cvety_crm.admin_site.base import CrmModelAdmin, admin_link
from cvety_crm.admin_site.filters import DayOrRangeFilter
from cvety_crm.admin_site.outbox import AttemptInline, OutboxEntryAdmin
from notifications.models import TelegramChat, TelegramMessage, TelegramMessageAttempt
from notifications.rendering import preview
from orders.models import Order, long_columns
from orders.rules.visibility import reason_to_hide_raw


@admin.register(TelegramChat)
class TelegramChatAdmin(CrmModelAdmin):
    """The list and the pages of Telegram chats, which receive messages in addition to the chat in the settings."""

    list_display = ("__str__", "chat_id", "is_active", "wants_new_orders", "wants_status_changes")
    list_filter = ("is_active",)
    search_fields = ("title", "chat_id")
    ordering = ("title", "chat_id")


class MessageAttemptInline(AttemptInline):
    """The delivery attempts of a message."""

    model = TelegramMessageAttempt


@admin.register(TelegramMessage)
class TelegramMessageAdmin(OutboxEntryAdmin):
    """The list and the pages of Telegram messages."""

    list_display = (
        "created_column",
        "kind",
        "order_column",
        "chat_id",
        "state_column",
        "attempts",
        "next_column",
        "reason_column",
    )
    list_display_links = ("created_column",)
    list_filter = (("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter), ("created_at", DayOrRangeFilter))
    extra_lookups = ("order__id__exact",)
    list_select_related = ("order",)
    search_fields = ("order__order_number",)
    search_help_text = _("Number of the order")
    inlines = (MessageAttemptInline,)
    fieldsets = (
        (None, {"fields": ("kind", "order_column", "chat_id", "state_column", "reason_column")}),
        (_("Attempts"), {"fields": ("attempts", "next_column", "created_at", "finished_at", "retry_by")}),
        (_("Text"), {"fields": ("text_column",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[TelegramMessage]:
        """Return the messages without loading the large columns of their orders."""
        return super().get_queryset(request).defer(*long_columns("order"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[TelegramMessage], search_term: str
    ) -> tuple[QuerySet[TelegramMessage], bool]:
        """Return the messages about the order with this number. The search for the number uses an index."""
        number = search_term.strip().lstrip("№# ")
        if not number:
            return queryset, False
        return queryset.filter(order__in=Order.objects.filter(order_number=number)), False

    @admin.display(description=_("order"))
    def order_column(self, message: TelegramMessage) -> str:
        """Return a link to the order."""
        order = message.order
        return admin_link(order, f"№\N{NO-BREAK SPACE}{order.order_number}" if order else "", request=self.request)

    @admin.display(description=_("text"))
    def text_column(self, message: TelegramMessage) -> str:
        """Return the HTML of the message as escaped text, because it contains texts of staff and customers.

        If the user may not see both phones and prices, return the reason why the text is hidden.
        """
        if reason := reason_to_hide_raw(self.request.user):
            return reason
        return format_html('<pre class="crm-json" tabindex="0">{}</pre>', preview(message))
