"""People, groups, the worker's clock and queue, in the admin's own look."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from unfold.forms import AdminPasswordChangeForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from cvety_crm.admin_site.base import CrmModelAdmin, ReadOnlyModelAdmin, replace_registered
from cvety_crm.admin_site.permission_labels import PermissionLabels
from cvety_crm.admin_site.staff_forms import StaffChangeForm, StaffCreationForm
from cvety_crm.models import Heartbeat
from cvety_crm.users import User

for _model in (Group, Schedule, Success, Failure, OrmQ):
    replace_registered(admin.site, _model)


@admin.register(User)
class UserAdmin(PermissionLabels, DjangoUserAdmin, CrmModelAdmin):
    """Staff. Nobody gives rights that he has not, and nobody changes people who have more of them than he."""

    form = StaffChangeForm
    add_form = StaffCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "phone", "roles_column", "is_active", "last_login")
    ordering = ("username",)
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ("user_permissions",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Personal info"), {"fields": (("first_name", "last_name"), ("phone", "telegram_id"), "email")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "groups")}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )
    superuser_fieldset = (_("Beyond the roles"), {"fields": ("is_superuser", "user_permissions")})
    add_fieldsets = (
        (None, {"fields": ("username", ("first_name", "last_name"), "usable_password", "password1", "password2")}),
        (_("Permissions"), {"fields": ("groups",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Bring the roles along."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave single permissions to superusers: everybody else gives roles."""
        fieldsets = super().get_fieldsets(request, obj)
        return (*fieldsets, self.superuser_fieldset) if obj and request.user.is_superuser else fieldsets

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        """Offer the roles that the user may give."""
        if db_field.related_model is Group:
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and request is not None and db_field.related_model is Group:
            field.queryset = roles_to_give(request.user)
            field.help_text = _(
                "What any of his roles allows he may do. Only roles that you have the rights of are here."
            )
        return field

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Let whoever is added log in: accounts are for staff, there are no others."""
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to change people with more rights than one has: a password is as good as the account."""
        if isinstance(obj, User) and not may_give(request.user, obj):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave deleting people to superusers: orders and timelines name them, and an account can be switched off."""
        return bool(request.user.is_superuser)

    @admin.display(description=_("groups"))
    def roles_column(self, user: User) -> str:
        """Return the roles."""
        return ", ".join(sorted(group.name for group in user.groups.all())) or "—"


def may_give(giver: User | AnonymousUser, taker: User) -> bool:
    """Return whether one has every right of the other, active or not. At most two queries."""
    if giver.is_superuser:
        return True
    rights = Permission.objects.filter(Q(user=taker) | Q(group__user=taker))
    return not taker.is_superuser and _keys(rights) <= giver.get_all_permissions()


def roles_to_give(giver: User | AnonymousUser) -> QuerySet[Group]:
    """Return the roles that allow nothing beyond what the giver may do himself."""
    groups = Group.objects.order_by("name")
    if giver.is_superuser:
        return groups
    own = giver.get_all_permissions()
    beyond = [right.pk for right in Permission.objects.select_related("content_type") if _key(right) not in own]
    return groups.exclude(permissions__in=beyond)


def _keys(rights: QuerySet[Permission]) -> set[str]:
    return {_key(right) for right in rights.select_related("content_type")}


def _key(right: Permission) -> str:
    return f"{right.content_type.app_label}.{right.codename}"


@admin.register(Group)
class GroupAdmin(PermissionLabels, DjangoGroupAdmin, CrmModelAdmin):
    """Roles. What they allow is for superusers to change: whoever could, could allow himself everything."""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """Name the roles that would go, without a line for each of their permissions."""
        groups = list(objs)
        return [str(group) for group in groups], {str(Group._meta.verbose_name_plural): len(groups)}, set(), []

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether it is a superuser."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether it is a superuser."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether it is a superuser."""
        return bool(request.user.is_superuser)


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
