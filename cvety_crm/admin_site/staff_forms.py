"""The forms for staff accounts."""

import re
from typing import Any

import phonenumbers
from django import forms
from django.contrib.auth.forms import ReadOnlyPasswordHashWidget
from django.contrib.auth.hashers import is_password_usable
from django.utils.html import format_html
from django.utils.translation import gettext
from unfold.forms import UserChangeForm, UserCreationForm

from cvety_crm.models import User

REGION = "KZ"
"""The country of phones that users enter without a country code."""


def shown_phone(value: str) -> str:
    """Return a stored phone (E.164) in the usual format, such as `+7 701 123-45-67`. Other strings are unchanged."""
    match = re.fullmatch(r"\+7([0-9]{3})([0-9]{3})([0-9]{2})([0-9]{2})", value)
    if match:
        return "+7 {} {}-{}-{}".format(*match.groups())
    try:
        return phonenumbers.format_number(phonenumbers.parse(value), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return value


class PasswordState(ReadOnlyPasswordHashWidget):
    """The widget of the password. It shows only whether there is one: a part of the hash is of no use to staff."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """Return the state of the password, and the link to the page that sets another."""
        is_set = bool(value) and is_password_usable(value)
        words = gettext("The password is set.") if is_set else gettext("There is no password.")
        link = gettext("Change the password")
        return format_html(
            '<p id="{}">{} <a class="crm-link" href="../password/">{}</a></p>', (attrs or {}).get("id", ""), words, link
        )


class StaffCreationForm(UserCreationForm):
    """The form that creates a staff account."""

    class Meta(UserCreationForm.Meta):
        model = User


class StaffChangeForm(UserChangeForm):
    """The form that edits a staff account."""

    class Meta(UserChangeForm.Meta):
        model = User

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "password" in self.fields:
            self.fields["password"].widget = PasswordState()
            self.fields["password"].help_text = ""
        if self.initial.get("phone"):
            self.initial["phone"] = shown_phone(self.initial["phone"])

    def clean_phone(self) -> str:
        """Return the phone in E.164 format.

        Raise `ValidationError` if the text is not a phone.
        """
        text: str = self.cleaned_data["phone"].strip()
        if not text:
            return ""
        try:
            number = phonenumbers.parse(text, REGION)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_valid_number(number):
            raise forms.ValidationError(gettext("This is not a phone number."))
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
