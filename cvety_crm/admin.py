"""People, groups, the worker's clock and queue, in the admin's own look."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from cvety_crm.admin_base import CrmModelAdmin, ReadOnlyModelAdmin, replace_registered
from cvety_crm.models import Heartbeat
from cvety_crm.permission_labels import PermissionLabels

for _model in (User, Group, Schedule, Success, Failure, OrmQ):
    replace_registered(admin.site, _model)


@admin.register(User)
class UserAdmin(PermissionLabels, DjangoUserAdmin, CrmModelAdmin):
    """Staff."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "last_login")
    ordering = ("username",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep whoever may edit staff from making himself more than he is."""
        fixed = ("last_login", "date_joined")
        return fixed if request.user.is_superuser else (*fixed, "is_superuser", "groups", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only superusers change superusers: a password is as good as the account."""
        if isinstance(obj, User) and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave deleting people to superusers: orders and timelines name them, and an account can be switched off."""
        return bool(request.user.is_superuser)


@admin.register(Group)
class GroupAdmin(PermissionLabels, DjangoGroupAdmin, CrmModelAdmin):
    """Roles."""


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyModelAdmin):
    """When the worker was last alive."""

    list_display = ("name", "beat_at")
    ordering = ("name", "id")
    fields = ("name", "beat_at")


class _SuperusersOnly(ReadOnlyModelAdmin):
    """django-q's own rows: arguments and tracebacks, nothing for the shop."""

    def has_view_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether it is a superuser."""
        return bool(request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether it is a superuser."""
        return bool(request.user.is_superuser)


@admin.register(Schedule)
class ScheduleAdmin(_SuperusersOnly):
    """The worker's clock; its rows are made by `migrate`."""

    list_display = ("name", "func", "schedule_type", "next_run", "repeats")
    ordering = ("name", "id")
    fields = ("name", "func", "schedule_type", "minutes", "next_run", "repeats")


@admin.register(OrmQ)
class OrmQAdmin(_SuperusersOnly):
    """Tasks that wait or run."""

    list_display = ("id", "task_column", "key", "lock")
    ordering = ("id",)
    fields = ("task_column", "key", "lock")

    @admin.display(description=_("task"))
    def task_column(self, row: OrmQ) -> str:
        """Return which function it calls; what it calls it with may hold more than is to be shown."""
        return str(row.func())


class _TaskAdmin(_SuperusersOnly):
    list_display = ("started", "func", "stopped")
    search_fields = ("func",)
    fields: tuple[str, ...] = ("func", "started", "stopped", "attempt_count")
    list_display_links = ("started", "func")
    ordering = ("-started", "id")


@admin.register(Success)
class SuccessAdmin(_TaskAdmin):
    """Tasks that have run."""


@admin.register(Failure)
class FailureAdmin(_TaskAdmin):
    """Tasks that have failed, and how."""

    fields = (*_TaskAdmin.fields, "result_column")

    @admin.display(description=_("error"))
    def result_column(self, task: Task) -> str:
        """Return the error."""
        return str(task.result or "—")
