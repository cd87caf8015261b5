"""The form with which staff sign in."""

import math
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import ngettext
from unfold.forms import AuthenticationForm

from cvety_crm.sign_in.limits import wait_before


class SignInForm(AuthenticationForm):
    """Unfold's form. It does not check the password after too many attempts."""

    wait = 0
    """Seconds until the next attempt is allowed."""

    def clean(self) -> dict[str, Any]:
        """Count the attempt, then check the password."""
        username = self.cleaned_data.get("username")
        if self.request is not None and username and self.cleaned_data.get("password"):
            self.wait = wait_before(self.request, username)
        if self.wait:
            minutes = math.ceil(self.wait / 60)
            raise ValidationError(
                ngettext(
                    "Too many attempts to sign in. Try again in %(number)d minute.",
                    "Too many attempts to sign in. Try again in %(number)d minutes.",
                    minutes,
                )
                % {"number": minutes},
                code="throttled",
            )
        cleaned: dict[str, Any] = super().clean()
        return cleaned
