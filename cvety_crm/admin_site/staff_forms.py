"""The forms for staff accounts."""

import phonenumbers
from django import forms
from django.utils.translation import gettext
from unfold.forms import UserChangeForm, UserCreationForm

from cvety_crm.models import User

REGION = "KZ"
"""The country of phones that users enter without a country code."""


class StaffCreationForm(UserCreationForm):
    """The form that creates a staff account."""

    class Meta(UserCreationForm.Meta):
        model = User


class StaffChangeForm(UserChangeForm):
    """The form that edits a staff account."""

    class Meta(UserChangeForm.Meta):
        model = User

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
