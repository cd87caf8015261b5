"""The page of the peak days, which staff edit."""

from django.contrib import admin

from cvety_crm.admin_site.base import CrmModelAdmin
from orders.models import PeakDay


@admin.register(PeakDay)
class PeakDayAdmin(CrmModelAdmin):
    """The list and the page of peak days. Each row is a holiday of one year."""

    list_display = ("name", "first_day", "last_day")
    list_filter = ("name",)
    search_fields = ("name",)
    ordering = ("-first_day", "name")
    fields = ("name", ("first_day", "last_day"))
