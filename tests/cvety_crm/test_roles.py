"""Tests of the roles: the pages and actions of each role, and that users cannot grant permissions they lack."""

import re

import pytest
from django.apps import apps
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.test import RequestFactory

from cvety_crm.admin_site.navigation import sidebar
from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER, OWNER, ROLES, grant, make_roles
from cvety_crm.users import User
from orders.models import Order
from orders.reports.definitions import PAGES
from tests.cvety_crm.test_russian_pages import english
from tests.orders.admin.conftest import make_order  # noqa: F401 - a fixture
from tests.roles import browser_of, person

pytestmark = pytest.mark.django_db
LIST = "/crm/orders/order/"


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def pages_of(user):
    """Return the models whose pages are in the sidebar."""
    request = RequestFactory().get("/crm/")
    request.user = user
    links = [item["link"] for group in sidebar(request) for item in group["items"]]
    return {link.split("/")[-2] for link in links}


WORK = {"order", "board", "status"}  # "status" is the system status page, `/crm/status/`
EXCHANGE = {"webhookevent", "push", "reconciliation", "orderevent", "importrun", "exchange"}
REPORTS = {key for key, *_ in PAGES} | {"peakday"}
SENT_REPORTS = {"reportschedule", "reportdelivery"}
EXPORTS = {"exportrun"}
REFERENCE = {"city", "shop", "deliveryslot", "messagetemplate", "paysystem"}


@pytest.mark.parametrize(
    ("role", "pages"),
    [
        (FLORIST, WORK),
        (DISPATCHER, WORK | {"courier", "dispatch", "cash"}),
        (ACCOUNTANT, WORK | REPORTS | SENT_REPORTS | EXPORTS | {"customer", "product", "orderevent", "cash", "till"}),
        (
            MANAGER,
            WORK
            | EXCHANGE
            | REPORTS
            | EXPORTS
            | {"customer", "product", "courier", "dispatch", "telegrammessage", "messagetemplate", "cash"},
        ),
        (
            OWNER,
            WORK
            | EXCHANGE
            | REPORTS
            | SENT_REPORTS
            | EXPORTS
            | REFERENCE
            | {"customer", "product", "courier", "dispatch", "telegrammessage", "telegramchat", "user", "group"}
            | {"cash", "till", "monthplan", "phonelook", "signinevent", "sign-in-rules"},
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_sidebar_has_only_the_pages_of_the_role(role, pages):
    assert pages_of(person(role)) >= pages
    all_pages = WORK | EXCHANGE | EXPORTS | REFERENCE | pages_of(User(is_superuser=True))
    assert pages_of(person(role)) & (all_pages - pages) == set()


ALLOWED = {
    OWNER: {"edit", "change status", "add", "export", "add user", "customers", "raw", "reference"},
    MANAGER: {"edit", "change status", "add", "export", "customers", "raw"},
    FLORIST: {"change status"},
    DISPATCHER: {"change status"},
    ACCOUNTANT: {"export", "customers"},
}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_role_can_do_only_its_own_actions(role, make_order, post_webhook):  # noqa: F811
    order = make_order()
    browser = browser_of(person(role))
    allowed = set()

    def opens(path, **data):
        return browser.get(path, data).status_code == 200

    page = f"{LIST}{order.pk}/change/"
    assert opens(LIST)
    assert opens(page)
    assert opens("/crm/status/")
    if browser.post(page, {}).status_code != 403:
        allowed.add("edit")
    chosen = {"action": "change_status_of_selected", ACTION_CHECKBOX_NAME: [str(order.pk)]}
    browser.post(LIST, {**chosen, "apply": "1", "status": "accepted"})
    if Order.objects.get().status_id == "accepted":
        allowed.add("change status")
    for name, path in (
        ("add", f"{LIST}add/"),
        ("export", f"{LIST}export/?preset=all"),
        ("add user", "/crm/cvety_crm/user/add/"),
        ("customers", "/crm/orders/customer/"),
        ("raw", "/crm/bitrix_bridge/webhookevent/"),
        ("reference", "/crm/orders/shop/add/"),
    ):
        if opens(path):
            allowed.add(name)
    assert allowed == ALLOWED[role]


@pytest.mark.parametrize("role", [FLORIST, ACCOUNTANT], ids=lambda role: role.name)
def test_read_only_order_page_is_russian_and_has_no_forbidden_links(role, make_order):  # noqa: F811
    make_order()
    browser = browser_of(person(role))
    page = browser.get(f"{LIST}{Order.objects.get().pk}/change/")
    assert not english(page)
    html = page.content.decode()
    assert "Алматы" in html
    assert "Букет Стандарт" in html
    own = set(re.findall(r'href="(/crm/[^"?]*)', html)) - {"/crm/password_change/"}
    assert own
    assert not {link for link in own if browser.get(link).status_code == 403}


def test_roles_are_created_once_and_keep_changes_by_staff():
    assert set(Group.objects.values_list("name", flat=True)) == {role.name for role in ROLES}
    florists = Group.objects.get(name=FLORIST.name)
    florists.permissions.clear()
    Group.objects.filter(name=MANAGER.name).delete()
    make_roles(apps)
    assert not florists.permissions.exists()
    assert Group.objects.get(name=MANAGER.name).permissions.count() == len(MANAGER.permissions)


def test_grant_adds_permissions_to_roles_by_name():
    grant(apps, {FLORIST.name: ["orders.add_ordernote"], "Уволенные": ["orders.add_order"]})
    assert person(FLORIST).has_perm("orders.add_ordernote")
    with pytest.raises(LookupError, match=r"orders\.no_such"):
        grant(apps, {FLORIST.name: ["orders.no_such"]})


class TestUserManagement:
    """Tests that the owner can add users and assign roles."""

    @pytest.fixture
    def owner(self):
        return person(OWNER, "aigul")

    def form_of(self, user, **more):
        return {"username": user.username, "is_active": "on", "is_staff": "on", **more}

    def test_new_user_gets_the_role_and_may_log_in(self, owner):
        florist = Group.objects.get(name=FLORIST.name)
        answer = browser_of(owner).post(
            "/crm/cvety_crm/user/add/",
            {"username": "olga", "first_name": "Ольга", "password1": "made-up-pass-1", "password2": "made-up-pass-1",
             "usable_password": "true", "groups": [florist.pk]},
        )  # fmt: skip
        assert answer.status_code == 302
        olga = User.objects.get(username="olga")
        assert (olga.is_staff, olga.is_superuser, list(olga.groups.all())) == (True, False, [florist])

    def test_owner_can_replace_the_role_of_a_user(self, owner):
        olga = person(FLORIST, "olga")
        path = f"/crm/cvety_crm/user/{olga.pk}/change/"
        html = browser_of(owner).get(path).content.decode()
        assert all(role.name in html for role in ROLES)
        assert 'name="is_superuser"' not in html
        assert 'name="user_permissions"' not in html
        manager = Group.objects.get(name=MANAGER.name)
        browser_of(owner).post(path, self.form_of(olga, groups=[manager.pk]))
        assert list(olga.groups.all()) == [manager]

    def test_owner_cannot_assign_a_role_with_more_permissions(self, owner):
        robots = Group.objects.create(name="Роботы")
        robots.permissions.add(Permission.objects.get(codename="delete_user"))
        path = f"/crm/cvety_crm/user/{owner.pk}/change/"
        page = browser_of(owner).get(path).content.decode()
        assert robots.name not in page
        assert OWNER.name in page
        form = self.form_of(owner, groups=[robots.pk], is_superuser="on", user_permissions=["1"])
        answer = browser_of(owner).post(path, form)
        assert answer.status_code == 200  # the form is shown again, with an error
        owner = User.objects.get(pk=owner.pk)
        assert not owner.is_superuser
        assert not owner.has_perm("cvety_crm.delete_user")

    @pytest.mark.parametrize("is_active", [True, False], ids=["active", "inactive"])
    def test_owner_cannot_change_a_user_with_more_permissions(self, owner, manager, is_active):
        stronger = person(MANAGER, "daniyar")
        stronger.user_permissions.add(Permission.objects.get(codename="delete_user"))
        for user in (stronger, manager):
            User.objects.filter(pk=user.pk).update(is_active=is_active)
            path = f"/crm/cvety_crm/user/{user.pk}"
            assert browser_of(owner).post(f"{path}/change/", self.form_of(user)).status_code == 403
            assert browser_of(owner).get(f"{path}/password/").status_code == 403

    def test_only_superusers_can_change_the_permissions_of_a_role(self, owner, manager):
        owner.user_permissions.add(*Permission.objects.filter(codename__in=["add_group", "change_group"]))
        group = Group.objects.get(name=OWNER.name)
        path = f"/crm/auth/group/{group.pk}/change/"
        assert browser_of(owner).post(path, {"name": "x"}).status_code == 403
        assert browser_of(owner).get("/crm/auth/group/add/").status_code == 403
        assert browser_of(manager).get(path).status_code == 200
