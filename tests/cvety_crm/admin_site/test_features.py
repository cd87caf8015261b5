"""Tests of the features of a model's pages: what a feature adds, who may use it, and that no feature hides another."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpResponse
from unfold.sites import UnfoldAdminSite

from cvety_crm.admin_site.features import GET, POST, BulkAction, Feature, FeatureModelAdmin
from cvety_crm.users import User, staff_user


def may(request):
    return request.user.has_perm("auth.change_group")


class Greeting(Feature[Group]):
    def urls(self):
        return [self.view("hello/", self.hello, name="hello", methods=POST, permission=may)]

    def bulk_actions(self):
        return [BulkAction(self.greet_selected, "Greet", may)]

    def hello(self, request):
        return HttpResponse("hello")

    def greet_selected(self, request, queryset):
        return HttpResponse(f"hello to {queryset}")


class SameUrl(Feature[Group]):
    def urls(self):
        return [self.view("other/", self.other, name="hello", methods=GET, permission=may)]

    def other(self, request):
        return HttpResponse("other")


class SameAction(Feature[Group]):
    def bulk_actions(self):
        return [BulkAction(self.greet_selected, "Greet again", may)]

    def greet_selected(self, request, queryset):
        return None


class DjangosUrl(Feature[Group]):
    def urls(self):
        return [self.view("all/", self.everything, name="changelist", methods=GET, permission=may)]

    def everything(self, request):
        return HttpResponse("all")


def make_admin(*features):
    kind = type("GroupAdmin", (FeatureModelAdmin,), {"features": features})
    return kind(Group, UnfoldAdminSite())


def view_of(model_admin, name):
    (url,) = (url for url in model_admin.get_urls() if url.name == name)
    return url.callback


@pytest.fixture
def request_of(rf, db):
    def make(method, *, is_superuser):
        request = rf.generic(method, "/")
        request.user = User.objects.create_user("somebody", is_staff=True, is_superuser=is_superuser)
        request._dont_enforce_csrf_checks = True
        return request

    return make


def test_a_feature_adds_its_url_and_its_action():
    model_admin = make_admin(Greeting)
    assert "auth_group_hello" in {url.name for url in model_admin.get_urls()}
    assert [action.__name__ for action in model_admin.actions] == ["greet_selected"]


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ((Greeting, SameUrl), "GroupAdmin has two URLs with the same name: auth_group_hello"),
        ((Greeting, SameAction), "GroupAdmin has two actions with the same name: greet_selected"),
        ((DjangosUrl,), "GroupAdmin has two URLs with the same name: auth_group_changelist"),
    ],
)
def test_two_features_with_the_same_name_are_refused(features, message):
    with pytest.raises(ImproperlyConfigured) as error:
        make_admin(*features)
    assert str(error.value) == message


def test_an_action_with_a_name_of_the_site_is_refused():
    class Deletion(Feature[Group]):
        def bulk_actions(self):
            return [BulkAction(self.delete_selected, "Delete", may)]

        def delete_selected(self, request, queryset):
            return None

    with pytest.raises(ImproperlyConfigured, match="two actions with the same name: delete_selected"):
        make_admin(Deletion)


def test_a_view_answers_a_user_with_the_permission(request_of):
    view = view_of(make_admin(Greeting), "auth_group_hello")
    assert view(request_of("POST", is_superuser=True)).content == b"hello"


def test_a_view_refuses_a_user_without_the_permission(request_of):
    view = view_of(make_admin(Greeting), "auth_group_hello")
    with pytest.raises(PermissionDenied):
        view(request_of("POST", is_superuser=False))


def test_a_view_refuses_another_method(request_of):
    view = view_of(make_admin(Greeting), "auth_group_hello")
    assert view(request_of("GET", is_superuser=True)).status_code == 405


def test_an_action_is_offered_only_with_the_permission(request_of):
    model_admin = make_admin(Greeting)
    request = request_of("GET", is_superuser=False)
    assert "greet_selected" not in model_admin.get_actions(request)
    request.user.is_superuser = True
    assert "greet_selected" in model_admin.get_actions(request)


def test_an_action_refuses_a_user_without_the_permission(request_of):
    (action,) = make_admin(Greeting).actions
    with pytest.raises(PermissionDenied):
        action(None, request_of("POST", is_superuser=False), Group.objects.none())


def test_staff_user_refuses_an_anonymous_user(rf):
    request = rf.get("/")
    request.user = AnonymousUser()
    with pytest.raises(PermissionDenied):
        staff_user(request)


def test_staff_user_returns_the_user(request_of):
    request = request_of("GET", is_superuser=False)
    assert staff_user(request) is request.user
