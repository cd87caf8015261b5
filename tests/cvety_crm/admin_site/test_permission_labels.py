"""Tests that permissions have Russian labels, and not their English names from the database."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from cvety_crm.admin_site.permission_labels import permission_label

pytestmark = pytest.mark.django_db


def _label(codename):
    return permission_label(Permission.objects.get(codename=codename))


def test_default_permissions_of_django_are_labelled():
    assert _label("view_customer") == "Клиенты: смотреть"
    assert _label("add_customer") == "Клиенты: добавлять"
    assert _label("change_customer") == "Клиенты: изменять"
    assert _label("delete_customer") == "Клиенты: удалять"


def test_custom_permission_is_labelled():
    assert _label("change_order_status") == "Заказы: менять статус"


def test_no_label_contains_an_english_name():
    for permission in Permission.objects.select_related("content_type"):
        assert not re.search(r"\b(can|add|change|delete|view)\b", permission_label(permission), re.I)


def test_permission_of_a_removed_model_is_labelled_by_its_name():
    content_type = ContentType.objects.create(app_label="orders", model="forgotten")
    permission = Permission.objects.create(
        content_type=content_type, codename="add_forgotten", name="Can add forgotten"
    )
    assert permission_label(permission) == str(permission)
