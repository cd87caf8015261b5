"""The lists of the notes and photos that staff have added to orders."""

from functools import partial
from typing import Any, get_args
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cvety_crm.admin_site.base import ReadOnlyModelAdmin, admin_link
from orders.models import OrderNote, OrderPhoto, long_columns
from orders.photos.files import Size, photo_response
from orders.rules.visibility import may_see_orders, shown_text


class _OfOrder(ReadOnlyModelAdmin):
    list_select_related = ("order", "author")
    ordering = ("-created_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows without loading the long columns of their orders."""
        return super().get_queryset(request).defer(*long_columns("order"))

    @admin.display(description=_("order"))
    def order_column(self, row: OrderNote | OrderPhoto) -> str:
        """Return a link to the order."""
        return admin_link(row.order, request=self.request)


@admin.register(OrderNote)
class OrderNoteAdmin(_OfOrder):
    """The read-only list and pages of notes. Staff write notes on the orders' pages."""

    list_display = ("created_column", "order_column", "author", "text_column")
    fields = ("order_column", "author", "created_at", "text_column")
    list_display_links = ("created_column",)

    @admin.display(description=_("note"))
    def text_column(self, note: OrderNote) -> str:
        """Return the text of the note. The phones in it are masked for a user who may not see phones."""
        return shown_text(self.request.user, note.text)


@admin.register(OrderPhoto)
class OrderPhotoAdmin(_OfOrder):
    """The read-only list and pages of photos, and the URLs of the image files.

    Staff add photos on the orders' pages.
    """

    list_display = ("created_column", "picture_column", "order_column", "author", "withdrawn_at")
    fields = ("picture_column", "order_column", "author", "created_at", "withdrawn_at", "withdrawn_by")
    list_display_links = ("created_column",)

    def get_urls(self) -> list[URLPattern]:
        """Add a URL for each size of the image files."""
        return [
            path(
                f"<uuid:key>/{size}/",
                self.admin_site.admin_view(require_safe(partial(self.picture, size=size)), cacheable=True),
                name=f"orders_orderphoto_{size}",
            )
            for size in get_args(Size)
        ] + super().get_urls()

    def picture(self, request: HttpRequest, key: UUID, size: Size) -> HttpResponseBase:
        """Return the image file in this size. Raise `PermissionDenied` if the user may not see orders.

        Raise `Http404` if there is no such photo, if the photo is withdrawn, or if the file is missing.
        """
        if not may_see_orders(request.user):
            raise PermissionDenied
        return photo_response(request, get_object_or_404(OrderPhoto, pk=key), size, may_be_kept=True)

    @admin.display(description=_("picture"))
    def picture_column(self, photo: OrderPhoto) -> str:
        """Return the small image as a link to the large image, or "withdrawn" for a withdrawn photo."""
        if photo.is_withdrawn or not photo.image:
            return gettext("withdrawn")
        return format_html(
            '<a class="crm-photo-open" href="{}"><img class="crm-thumbnail" src="{}" alt="{}" loading="lazy"></a>',
            reverse("admin:orders_orderphoto_full", args=[photo.pk]),
            reverse("admin:orders_orderphoto_small", args=[photo.pk]),
            gettext("Photo of the bouquet"),
        )
