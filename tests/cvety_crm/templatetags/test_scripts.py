"""Tests of the filter that defers scripts, and of the scripts that pages load."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse

from cvety_crm.templatetags.scripts import deferred


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<script src="/static/a.js"></script>', '<script src="/static/a.js" defer></script>\n'),
        ('<script src="/static/a.js" defer></script>', '<script src="/static/a.js" defer></script>'),
        ("<script>let a;</script>", "<script>let a;</script>"),
        ('<link href="/a.css" rel="stylesheet">', '<link href="/a.css" rel="stylesheet">'),
        ('<script src="/static/admin/js/urlify.js"></script>', ""),
        ('<script src="/static/admin/js/urlify.ae970a820212.js"></script>', ""),
        ('<script src="/static/admin/js/vendor/xregexp/xregexp.min.f1ae4617847c.js"></script>', ""),
        (
            '<script src="/static/admin/js/vendor/select2/select2.full.js"></script>'
            '<script src="/static/admin/js/vendor/select2/select2.full.min.js"></script>',
            '<script src="/static/admin/js/vendor/select2/select2.full.js" defer></script>\n',
        ),
    ],
)
def test_scripts_are_deferred_and_unused_ones_left_out(html, expected):
    assert deferred(html) == expected


def test_no_form_fills_one_field_from_another():
    # Otherwise the filter must not leave out the scripts for this.
    assert not [one for one in admin.site._registry.values() if one.prepopulated_fields]
    assert not [
        one for one in admin.site._registry.values() if getattr(one, "ordering_field", None)
    ]  # needs alpine.sort.js


def scripts(client, path):
    """Return the tags of the scripts that a page loads."""
    return re.findall(r"<script[^>]*\ssrc=[^>]*>", client.get(path).content.decode())


@pytest.mark.django_db
def test_every_script_of_a_page_is_deferred(client, manager):
    client.force_login(manager)
    for path in ("/crm/", reverse("admin:orders_order_changelist"), reverse("admin:orders_order_add"), "/crm/board/"):
        found = scripts(client, path)
        assert found
        assert [one for one in found if "defer" not in one] == []


@pytest.mark.django_db
def test_only_the_page_with_a_chart_loads_the_script_of_charts(client, manager):
    client.force_login(manager)
    loaded = {path: str(scripts(client, path)) for path in ("/crm/", reverse("admin:orders_order_changelist"))}
    assert ["chart.js" in found for found in loaded.values()] == [True, False]
    client.logout()
    login = str(scripts(client, "/crm/login/"))
    assert "alpine.js" in login
    assert "htmx" not in login
    assert "chart.js" not in login
