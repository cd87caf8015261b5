"""The forms of signing in."""

import math
from typing import Any

from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES

from cvety_crm.models import User
from cvety_crm.sign_in import log
from cvety_crm.sign_in.limits import may_log_refusal, wait_before

_INPUT = " ".join(BASE_INPUT_CLASSES)
CODE_LENGTH = 60


class SignInForm(AuthenticationForm):
    """Unfold's form. It does not check the password after too many attempts."""

    wait = 0
    """Seconds until the next attempt is allowed."""

    def clean(self) -> dict[str, Any]:
        """Count the attempt, then check the password. Record an attempt that fails."""
        username = self.cleaned_data.get("username")
        if not (self.request is not None and username and self.cleaned_data.get("password")):
            return super().clean()
        self.wait = wait_before(self.request, username)
        if self.wait:
            if may_log_refusal(self.request, username):
                log.record(log.Kind.THROTTLED, _user(username), request=self.request)
            raise ValidationError(too_many_attempts(self.wait), code="throttled")
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            log.record(log.Kind.FAILED, _user(username), request=self.request, method=log.Method.PASSWORD)
            raise
        return cleaned


class CodeForm(forms.Form):
    """The form of the second step of signing in."""

    code = forms.CharField(
        label=_("Code from the app, or a recovery code"),
        max_length=CODE_LENGTH,
        widget=forms.TextInput(
            {"class": _INPUT, "autocomplete": "one-time-code", "autofocus": "", "autocapitalize": "none",
             "spellcheck": "false"}
        ),
    )  # fmt: skip
    is_remembered = forms.BooleanField(required=False)


class NewFactorForm(forms.Form):
    """The form that turns on the second factor."""

    code = forms.CharField(
        label=_("Six digits from the app"),
        max_length=20,
        widget=forms.TextInput({"class": _INPUT, "autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class OwnPasswordForm(forms.Form):
    """The form with the password of the user, which is asked before the second factor is changed."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput({"class": _INPUT, "autocomplete": "current-password"}),
    )


class ForgottenPasswordForm(forms.Form):
    """The form that asks for a link by e-mail."""

    email = forms.EmailField(
        label=_("Your e-mail address"),
        max_length=254,
        widget=forms.EmailInput({"class": _INPUT, "autocomplete": "email", "autofocus": ""}),
    )


class NewPasswordForm(SetPasswordForm):
    """Django's form of a new password, with Unfold's inputs."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = _INPUT


def too_many_attempts(seconds: int) -> str:
    """Return the message for a user who must wait so many seconds."""
    if seconds > 5400:
        hours = math.ceil(seconds / 3600)
        return ngettext(
            "Too many attempts to sign in. Try again in %(number)d hour.",
            "Too many attempts to sign in. Try again in %(number)d hours.",
            hours,
        ) % {"number": hours}
    minutes = math.ceil(seconds / 60)
    return ngettext(
        "Too many attempts to sign in. Try again in %(number)d minute.",
        "Too many attempts to sign in. Try again in %(number)d minutes.",
        minutes,
    ) % {"number": minutes}


def wrong_code() -> str:
    """Return the message about a code that is not valid."""
    return gettext("The code is wrong, too old or was used already. Wait for the next code of the app.")


def _user(username: str) -> User | None:
    """Return the account. What was typed is not recorded otherwise: it may be a password in the wrong field."""
    return User.objects.filter(username=username).first()
