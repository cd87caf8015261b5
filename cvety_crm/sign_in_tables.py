"""The tables of signing in: sessions, second factors, the roles that need one, and the log of sign-ins."""

from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from cvety_crm.tables import Table

ADDRESS_LENGTH = 45
"""The length of the longest IPv6 address."""
DEVICE_LENGTH = 60


class Session(AbstractBaseSession):
    """A session of a browser, with the user and the device, so that users can see and end their sessions."""

    # Without a constraint in the database, a session is stored without a look at the table of users. The sessions of a
    # deleted user are deleted by Django.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, db_constraint=False, related_name="sessions"
    )
    signed_in_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(default=timezone.now)
    address = models.CharField(max_length=ADDRESS_LENGTH, default="", db_default="")
    """The address from which the session was used last."""
    device = models.CharField(max_length=DEVICE_LENGTH, default="", db_default="")
    """The browser and the system, such as `Chrome, Windows`."""

    class Meta:
        db_table = "staff_sessions"
        default_permissions = ()
        verbose_name = _("device")
        verbose_name_plural = _("devices")

    def __str__(self) -> str:
        """Return the device, and never the key: the page that deletes a user lists the user's sessions."""
        return self.device or "—"

    @classmethod
    def get_session_store_class(cls) -> Any:
        """Return the class that reads and writes these rows."""
        return import_string(f"{settings.SESSION_ENGINE}.SessionStore")


class SecondFactor(Table):
    """The authenticator app of a user. Without a row the user signs in with the password alone."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="second_factor")
    secret = models.CharField(max_length=32)
    """The key of the codes in base 32. No page shows it after the set-up."""
    last_step = models.BigIntegerField(default=0)
    """The time step of the last accepted code. Only codes of later steps are accepted, so each one works once."""
    trusted_since = models.DateTimeField(default=timezone.now)
    """Devices that were remembered before this time need a code again."""

    class Meta:
        db_table = "staff_second_factors"
        default_permissions = ()
        verbose_name = verbose_name_plural = _("second factor")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class RecoveryCode(Table):
    """A code that signs in once without the app. Only its hash is stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)

    class Meta:
        db_table = "staff_recovery_codes"
        default_permissions = ()
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="staff_recovery_codes_once")]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class SecondFactorRole(Table):
    """A role whose users must have a second factor. Without a role: all superusers."""

    role = models.OneToOneField("auth.Group", models.CASCADE, null=True, related_name="+")

    class Meta:
        db_table = "staff_second_factor_roles"
        default_permissions = ()
        verbose_name = verbose_name_plural = _("roles with a second factor")
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(role=None), name="staff_second_factor_superusers_once"
            )
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class SignInEvent(Table):
    """An entry of the log of sign-ins. Entries are never changed."""

    class Kind(models.TextChoices):
        SIGNED_IN = "signed_in", _("signed in")
        FAILED = "failed", _("failed attempt")
        THROTTLED = "throttled", _("too many attempts")
        SIGNED_OUT = "signed_out", _("signed out")
        DEVICE_SIGNED_OUT = "device_signed_out", _("a device was signed out")
        ALL_SIGNED_OUT = "all_signed_out", _("signed out everywhere")
        ALLOWED = "allowed", _("allowed to sign in again")
        PASSWORD_CHANGED = "password_changed", _("password changed")
        LINK_MADE = "link_made", _("link for a new password made")
        LINK_SENT = "link_sent", _("link for a new password sent by e-mail")
        FACTOR_ON = "factor_on", _("second factor turned on")
        FACTOR_OFF = "factor_off", _("second factor turned off")
        FACTOR_RESET = "factor_reset", _("second factor reset")
        NEW_CODES = "new_codes", _("new recovery codes made")
        RULES_CHANGED = "rules_changed", _("roles with a second factor changed")

    class Method(models.TextChoices):
        PASSWORD = "password", _("password")
        CODE = "code", _("code of the app")
        RECOVERY_CODE = "recovery_code", _("recovery code")
        REMEMBERED = "remembered", _("password on a remembered device")
        LINK = "link", _("link for a new password")

    kind = models.CharField(_("what"), max_length=20, choices=Kind.choices)
    method = models.CharField(_("how"), max_length=20, choices=Method.choices, blank=True, default="", db_default="")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("user"), related_name="+"
    )
    username = models.CharField(_("username"), max_length=150, blank=True, default="", db_default="")
    """The name of the account, also after it was deleted. Empty if no account has the name that was typed."""
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("done by"), related_name="+"
    )
    """The user who did this to the account of another user."""
    address = models.CharField(_("address"), max_length=ADDRESS_LENGTH, blank=True, default="", db_default="")
    device = models.CharField(_("device"), max_length=DEVICE_LENGTH, blank=True, default="", db_default="")
    details = models.CharField(_("details"), max_length=300, blank=True, default="", db_default="")

    class Meta:
        db_table = "staff_sign_ins"
        default_permissions = ("view",)
        verbose_name = _("sign-in")
        verbose_name_plural = _("log of sign-ins")
        indexes = [
            models.Index(fields=["-created_at", "id"], name="staff_sign_ins_newest"),
            models.Index(fields=["user", "-created_at"], name="staff_sign_ins_of_user"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
