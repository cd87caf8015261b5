"""The admin pages of users, groups, and the worker's schedules and queue."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from unfold.forms import AdminPasswordChangeForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from cvety_crm.admin_site.base import CrmModelAdmin, ReadOnlyModelAdmin, replace_registered
from cvety_crm.admin_site.grants import assignable_roles, has_all_permissions_of
from cvety_crm.admin_site.permission_labels import PermissionLabels
from cvety_crm.admin_site.sign_in_log import SignInEventAdmin
from cvety_crm.admin_site.staff_forms import StaffChangeForm, StaffCreationForm, shown_phone
from cvety_crm.admin_site.user_sign_in import UserSignIn
from cvety_crm.models import Heartbeat
from cvety_crm.sign_in import log
from cvety_crm.sign_in.limits import allow_again
from cvety_crm.users import User

__all__ = ["SignInEventAdmin", "UserAdmin"]

for _model in (Group, Schedule, Success, Failure, OrmQ):
    replace_registered(admin.site, _model)


@admin.register(User)
class UserAdmin(PermissionLabels, UserSignIn, DjangoUserAdmin, CrmModelAdmin):
    """The admin of staff accounts.

    Users cannot grant permissions that they do not have, nor change a user who has more permissions.
    """

    form = StaffChangeForm
    add_form = StaffCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "phone_column", "roles_column", "is_active", "last_login")
    ordering = ("username",)
    readonly_fields = ("last_login", "date_joined", "phone_column", "password_column", "sign_in_column")
    actions = ("allow_sign_in",)
    filter_horizontal = ("user_permissions",)
    fieldsets = (
        (None, {"fields": ("username", "password", "sign_in_column")}),
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
        """Return the users with their groups prefetched."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets. Only a superuser sees the permissions of a single user; other staff assign roles."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj and not self.has_change_permission(request, obj):
            return (
                (None, {"fields": ("username", "password_column")}),
                (
                    _("Personal info"),
                    {"fields": (("first_name", "last_name"), ("phone_column", "telegram_id"), "email")},
                ),
                *fieldsets[2:],
            )
        return (*fieldsets, self.superuser_fieldset) if obj and request.user.is_superuser else fieldsets

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        """Return the form field. The choices of groups are only the roles that the user may assign."""
        if db_field.related_model is Group:
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and request is not None and db_field.related_model is Group:
            field.queryset = assignable_roles(request.user)
            field.help_text = _(
                "The user gets the permissions of all these roles. Only roles whose permissions you have are listed."
            )
        return field

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save the user. A new user may log in to the admin, because all accounts belong to staff."""
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Allow to sign in again at once"), permissions=["change"])
    def allow_sign_in(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Forget the attempts to sign in to the accounts that this user may change."""
        for user in queryset:
            if self.has_change_permission(request, user):
                allow_again(user.username)
                log.record(log.Kind.ALLOWED, user, request=request)
                self.message_user(request, gettext("%(user)s may sign in again at once.") % {"user": user.username})

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False if the user has fewer permissions than `obj`.

        A user who can set the password of an account can log in with it.
        """
        if isinstance(obj, User) and not has_all_permissions_of(request.user, obj):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True only for superusers.

        Other users deactivate an account, because orders and timelines refer to it.
        """
        return bool(request.user.is_superuser)

    @admin.display(description=_("phone"), ordering="phone")
    def phone_column(self, user: User) -> str:
        """Return the phone in the usual format."""
        return shown_phone(user.phone) or "—"

    @admin.display(description=_("password"))
    def password_column(self, user: User) -> str:
        """Return dots for the password of a user whom this user may only view."""
        return "•••"

    @admin.display(description=_("groups"))
    def roles_column(self, user: User) -> str:
        """Return the names of the roles."""
        return ", ".join(sorted(group.name for group in user.groups.all())) or "—"


@admin.register(Group)
class GroupAdmin(PermissionLabels, DjangoGroupAdmin, CrmModelAdmin):
    """The admin of roles. Only superusers change them, because other users could grant themselves every permission."""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """Return the roles that would be deleted, without a line for each of their permissions."""
        groups = list(objs)
        return [str(group) for group in groups], {str(Group._meta.verbose_name_plural): len(groups)}, set(), []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyModelAdmin):
    """The admin of the worker's last heartbeat."""

    list_display = ("name", "beat_at")
    ordering = ("name", "id")
    fields = ("name", "beat_at")


class _SuperusersOnly(ReadOnlyModelAdmin):
    """The base admin of django-q's rows. They contain arguments and tracebacks, which shop staff do not need."""

    def has_view_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


@admin.register(Schedule)
class ScheduleAdmin(_SuperusersOnly):
    """The admin of the worker's schedules. `migrate` creates the rows."""

    list_display = ("name", "func", "schedule_type", "next_run", "repeats")
    ordering = ("name", "id")
    fields = ("name", "func", "schedule_type", "minutes", "next_run", "repeats")


@admin.register(OrmQ)
class OrmQAdmin(_SuperusersOnly):
    """The admin of tasks that are queued or running."""

    list_display = ("id", "task_column", "key", "lock")
    ordering = ("id",)
    fields = ("task_column", "key", "lock")

    @admin.display(description=_("task"))
    def task_column(self, row: OrmQ) -> str:
        """Return the name of the function, without its arguments, which may contain private data."""
        return str(row.func())


class _TaskAdmin(_SuperusersOnly):
    list_display = ("started", "func", "stopped")
    search_fields = ("func",)
    fields: tuple[str, ...] = ("func", "started", "stopped", "attempt_count")
    list_display_links = ("started", "func")
    ordering = ("-started", "id")


@admin.register(Success)
class SuccessAdmin(_TaskAdmin):
    """The admin of tasks that have succeeded."""


@admin.register(Failure)
class FailureAdmin(_TaskAdmin):
    """The admin of tasks that have failed, with their errors."""

    fields = (*_TaskAdmin.fields, "result_column")

    @admin.display(description=_("error"))
    def result_column(self, task: Task) -> str:
        """Return the error, or a dash if there is no error."""
        return str(task.result or "—")
