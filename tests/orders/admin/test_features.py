"""Tests of the features of the order's pages: URLs, HTTP methods and permissions."""

from uuid import uuid4

import pytest
from django.contrib import admin
from django.urls import reverse

from cvety_crm.users import User
from orders.models import Order

METHODS = {
    "accept_site": "POST",
    "add_customer": "GET",
    "add_customers": "GET",
    "add_note": "POST",
    "add_photos": "POST",
    "add_payment": "POST",
    "add_products": "GET",
    "apply_pending_change": "POST",
    "contacts": "GET",
    "correct_payment": "POST",
    "courier": "POST",
    "edit": "GET",
    "delete_view": "POST",
    "export": "GET",
    "filters": "GET",
    "florist": "POST",
    "here": "POST",
    "other_customer": "GET",
    "move_view": "POST",
    "set_customer": "POST",
    "set_status": "POST",
    "message": "POST",
    "next_step": "POST",
    "photo_link": "POST",
    "postcard": "GET",
    "print": "POST",
    "problem": "POST",
    "pulse": "GET",
    "refund": "POST",
    "release": "POST",
    "remake": "POST",
    "select_all": "POST",
    "send_again": "POST",
    "solved": "POST",
    "statuses": "GET",
    "take": "POST",
    "undo": "POST",
    "undo_one": "POST",
    "update_view": "POST",
    "view_counts": "GET",
    "views": "GET",
    "notified": "POST",
    "withdraw_photo": "POST",
}
DIALOGS = ("columns", "edit_view", "save_view")
"""The names of the URLs that show a form with GET and save it with POST."""
TWO_KEYS = ("correct_payment", "edit", "message", "undo_one", "withdraw_photo")
NO_KEY = (
    "add_customers", "add_products", "columns", "export", "filters", "print", "pulse", "save_view", "select_all",
    "view_counts", "views",
)  # fmt: skip
FROM_ELSEWHERE = ("add", "change", "change_status_dialog", "changelist", "delete", "history")
"""The names of URLs that Django and Unfold define."""


def address(name):
    count = 0 if name in NO_KEY else 2 if name in TWO_KEYS else 1
    return reverse(f"admin:orders_order_{name}", args=[uuid4() for _ in range(count)])


def test_order_admin_has_exactly_these_urls():
    names = {url.name for url in admin.site._registry[Order].get_urls() if url.name}
    assert names == {f"orders_order_{name}" for name in (*METHODS, *DIALOGS, "edit", *FROM_ELSEWHERE)}


@pytest.mark.parametrize(("name", "method"), METHODS.items())
def test_url_refuses_user_without_permissions(browser_of, name, method):
    assert browser_of("orders.view_customer").generic(method, address(name)).status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", DIALOGS)
def test_dialog_refuses_user_without_permissions(browser_of, name, method):
    assert browser_of("orders.view_customer").generic(method, address(name)).status_code == 403


@pytest.mark.parametrize(("name", "method"), METHODS.items())
def test_url_refuses_other_http_method(browser, name, method):
    other = "PUT" if name == "edit" else "POST" if method == "GET" else "GET"
    assert browser.generic(other, address(name)).status_code == 405


def test_bulk_actions_have_this_order(manager, rf):
    request = rf.get("/")
    request.user = manager
    assert list(admin.site._registry[Order].get_actions(request)) == [
        "advance_selected",
        "accept_selected",
        "hand_over_selected",
        "complete_selected",
        "change_status_of_selected",
        "take_selected",
        "assign_florist_to_selected",
        "assign_courier_to_selected",
        "courier_texts_of_selected",
        "mark_notified_selected",
        "send_selected_again",
        "print_selected",
        "export_selected_to_xlsx",
        "export_selected_to_csv",
    ]


@pytest.mark.parametrize(
    ("right", "offered"),
    [
        ("view_order", {"courier_texts_of_selected", "print_selected"}),
        ("export_order", {"export_selected_to_xlsx", "export_selected_to_csv"}),
        ("assign_order", {"assign_florist_to_selected", "assign_courier_to_selected", "mark_notified_selected"}),
        (
            "change_order_status",
            {
                "advance_selected",
                "accept_selected",
                "hand_over_selected",
                "complete_selected",
                "change_status_of_selected",
                "send_selected_again",
            },
        ),
        ("make_order", {"take_selected"}),
        ("deliver_order", set()),
    ],
)
def test_permission_offers_its_bulk_actions(browser_of, rf, right, offered):
    reader = browser_of("orders.view_order", f"orders.{right}")
    request = rf.get("/")
    request.user = User.objects.get(pk=reader.session["_auth_user_id"])
    always = {"courier_texts_of_selected", "print_selected"}
    assert set(admin.site._registry[Order].get_actions(request)) == offered | always
