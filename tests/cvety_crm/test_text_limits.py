"""Tests of the limits of texts: the number of characters, the sentence about an excess, and the forms that count."""

import pytest
from django import forms
from django.contrib import admin
from django.test import RequestFactory

from cvety_crm.text_limits import TextLimitsMixin, count_in, excess_text, length


class Form(TextLimitsMixin, forms.Form):
    text = forms.CharField(max_length=5, widget=forms.Textarea)
    free = forms.CharField(required=False)
    number = forms.IntegerField(required=False)


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("", 0, ""),
        ("я" * 1000, 1000, ""),
        ("я" * 1234, 1000, "Введено 1\xa0234 знака, допустимо 1\xa0000: лишние 234"),
        ("я" * 1235, 1000, "Введено 1\xa0235 знаков, допустимо 1\xa0000: лишние 235"),
        ("я" * 21, 20, "Введён 21 знак, допустимо 20: лишние 1"),
        ("а\r\nб", 3, ""),
        ("🌹🌹", 2, ""),
    ],
)
def test_excess_names_the_length_the_limit_and_the_difference(text, limit, expected):
    assert excess_text(text, limit) == expected


def test_line_break_counts_as_one_character():
    assert length("а\r\nб\nв") == 5


def test_form_refuses_with_the_numbers_and_does_not_let_the_browser_cut():
    form = Form({"text": "1234567"})
    assert form.errors == {"text": ["Введено 7 знаков, допустимо 5: лишние 2"]}
    html = str(form["text"])
    assert 'data-longest="5"' in html
    assert "maxlength" not in html
    assert "data-longest" not in str(form["free"]) + str(form["number"])
    assert Form({"text": "12\r\n45"}).is_valid()


def test_limit_without_validation_only_counts():
    field = count_in(forms.CharField(), 3)
    assert field.clean("12345") == "12345"
    assert field.widget.attrs["data-longest"] == 3


def test_no_form_of_the_admin_lets_the_browser_cut(manager):
    request = RequestFactory().get("/")
    request.user = manager
    for model, model_admin in admin.site._registry.items():
        if not model_admin.has_change_permission(request):
            continue
        form = model_admin.get_form(request, change=True)
        for name, field in form.base_fields.items():
            assert "maxlength" not in field.widget.attrs, f"{model.__name__}.{name}"
