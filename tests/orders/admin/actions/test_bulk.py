"""Tests of bulk actions on all found orders: the frozen selection, the run by the worker, its results and its undo."""

import re
import time
from itertools import count
from uuid import uuid4

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from orders import services
from orders.models import BulkResult, BulkRun, Courier, EventKind, Order, Selection
from orders.services import steps
from orders.services.bulk import runs, slices
from tests.orders.admin.conftest import LIST
from tests.roles import person

ALL = f"{LIST}select-all/"


pytestmark = pytest.mark.usefixtures("few_are_many")


def select_all(client, query="preset=all"):
    """Press “Select all” on the list with this query, and return the key of the selection."""
    html = client.post(f"{ALL}?{query}").content.decode()
    found = re.search(r'name="selection" value="([\w-]+)"', html)
    return found and found[1]


def run(client, action, selection, *orders, **data):
    keys = [str(order.pk) for order in orders]
    posted = {"action": action, "_selected_action": keys, "index": 0, "selection": selection, **data}
    return client.post(LIST, posted, follow=True)


def statuses(orders):
    found = dict(Order.objects.values_list("pk", "status"))
    return [found[order.pk] for order in orders]


def work(one=None):
    """Let the worker work on the run to its end, and return the run."""
    one = one or BulkRun.objects.get(state="running")
    for _ in range(20):
        slices.work_slice(str(one.pk))
        one.refresh_from_db()
        if one.state != "running":
            return one
    raise AssertionError("it does not end")


def outcomes(one):
    return list(one.results.values_list("outcome", flat=True))


def test_selection_contains_all_pages_of_the_filtered_list(browser, orders, make_order):
    make_order(1010, STATUS_ID="F")
    key = select_all(browser, "status__code__exact=new")
    assert set(Selection.objects.get(pk=key).keys) == {order.pk for order in orders}


def test_run_changes_frozen_orders_and_no_later_order(browser, orders, make_order, django_capture_on_commit_callbacks):
    key = select_all(browser)
    later = make_order(2001)
    with django_capture_on_commit_callbacks(execute=True):
        page = run(browser, "accept_selected", key, orders[0])
    one = BulkRun.objects.get()
    assert page.redirect_chain[-1][0] == f"/crm/orders/bulkrun/{one.pk}/change/"
    assert 'role="progressbar"' in page.content.decode()
    assert OrmQ.objects.filter().exists()
    assert statuses([*orders, later]) == ["new"] * 6

    work(one)
    assert (one.state, one.done, one.refused) == ("done", 5, 0)
    assert statuses([*orders, later]) == ["accepted"] * 5 + ["new"]
    assert browser.get(f"/crm/orders/bulkrun/{one.pk}/progress/").headers["HX-Refresh"] == "true"


def test_results_say_what_became_of_each_order(browser, orders, make_order):
    refused, done = make_order(1006, STATUS_ID="F"), make_order(1007)
    services.change_status(order_id=done.pk, status="accepted", actor=None)
    run(browser, "accept_selected", select_all(browser), orders[0])
    one = work()
    assert (one.done, one.unchanged, one.refused) == (5, 1, 1)
    html = browser.get(f"/crm/orders/bulkrun/{one.pk}/change/?show=refused").content.decode()
    assert "№&nbsp;1006" in html
    assert "Завершён" in html
    assert "№&nbsp;1007" not in html
    assert BulkResult.objects.get(run=one, order=refused).outcome == "refused"


def test_few_selected_orders_are_changed_at_once(browser, make_order):
    order = make_order()
    run(browser, "accept_selected", select_all(browser), order)
    assert statuses([order]) == ["accepted"]
    assert not BulkRun.objects.exists()


def test_form_of_an_action_keeps_the_selection(browser, orders):
    courier = Courier.objects.create(name="Ерлан")
    key = select_all(browser)
    html = run(browser, "assign_courier_to_selected", key, orders[0]).content.decode()
    assert f'name="selection" value="{key}"' in html
    assert html.count('name="_selected_action"') == 1
    run(browser, "assign_courier_to_selected", key, orders[0], apply="1", assignee=str(courier.pk))
    assert work().done == 5
    assert set(Order.objects.values_list("courier", flat=True)) == {courier.pk}


def test_each_action_is_done_by_the_worker(browser, orders, manager):
    Order.objects.update(courier=Courier.objects.create(name="Ерлан"), status="accepted")
    for action, data in (
        ("take_selected", {}),
        ("assign_florist_to_selected", {"apply": "1", "assignee": "none"}),
        ("mark_notified_selected", {}),
        ("advance_selected", {}),
        ("change_status_of_selected", {"apply": "1", "status": "declined", "comment": "дубль"}),
        ("send_selected_again", {}),
    ):
        run(browser, action, select_all(browser), orders[0], **data)
        assert (work().refused, BulkRun.objects.first().done) == (0, 5), action
    assert orders[0].events.filter(kind=EventKind.STATUS).first().details["comment"] == "дубль"
    assert {event.actor for event in orders[0].events.filter(kind=EventKind.STATUS)} == {manager}


# --- refusals


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"action": ""}, "выберите действие"),
        ({"action": "delete_everything"}, "нет такого действия"),
        ({"_selected_action": []}, "отметьте хотя бы один заказ"),
        ({"selection": str(uuid4())}, "Выберите заказы ещё раз"),
        ({"selection": "nonsense"}, "Выберите заказы ещё раз"),
        ({"_selected_action": ["nonsense"]}, "отметьте хотя бы один заказ"),
    ],
)
def test_refused_action_says_why_and_changes_nothing(browser, make_order, data, text):
    order = make_order()
    posted = {"action": "accept_selected", "_selected_action": [str(order.pk)], "index": 0, **data}
    html = browser.post(LIST, posted, follow=True).content.decode()
    assert text in html
    assert statuses([order]) == ["new"]


def test_selection_of_another_user_is_refused(browser, browser_of, orders):
    key = select_all(browser)
    other = browser_of("orders.view_order", "orders.change_order_status")
    run(other, "accept_selected", key, orders[0])
    assert (BulkRun.objects.count(), statuses(orders)) == (0, ["new"] * 5)


def test_more_orders_than_the_limit_can_not_be_selected(browser, orders, monkeypatch):
    monkeypatch.setattr(runs, "MOST_SELECTED", 4)
    html = browser.post(f"{ALL}?preset=all").content.decode()
    assert "сначала выберите фильтры" in html
    assert not Selection.objects.exists()


def test_second_run_of_the_same_user_is_refused_with_a_link(browser, browser_of, orders):
    key = select_all(browser)
    run(browser, "accept_selected", key, orders[0])
    one = BulkRun.objects.get()
    html = run(browser, "complete_selected", key, orders[0]).content.decode()
    assert "ещё выполняется" in html
    assert f"/crm/orders/bulkrun/{one.pk}/change/" in html
    other = browser_of("orders.view_order", "orders.change_order_status")
    run(other, "accept_selected", select_all(other), orders[0])
    assert BulkRun.objects.filter(state="running").count() == 2


# --- crashes, stops and rights


class CrashError(BaseException):
    """The process of the worker is killed."""


def test_crash_in_the_middle_changes_no_order_twice(browser, orders, monkeypatch):
    run(browser, "accept_selected", select_all(browser), orders[0])
    one = BulkRun.objects.get()
    record, calls = runs.bulk_runs.record, []

    def crash_at_the_third(*args, **kwargs):
        calls.append(args)
        if len(calls) == 3:
            raise CrashError
        record(*args, **kwargs)

    monkeypatch.setattr(runs.bulk_runs, "record", crash_at_the_third)
    with pytest.raises(CrashError):
        slices.work_slice(str(one.pk))
    one.refresh_from_db()
    assert (one.done, statuses(orders).count("accepted")) == (2, 2)

    slices.work_slice(str(one.pk))  # the lease of the killed process has not expired
    assert statuses(orders).count("accepted") == 2
    BulkRun.objects.update(lease_until=timezone.now())
    assert slices.pick_up()
    assert (work(one).done, statuses(orders)) == (5, ["accepted"] * 5)
    assert [order.events.filter(kind=EventKind.STATUS).count() for order in orders] == [1] * 5


def test_stopped_run_is_resumed_where_it_stopped(browser, orders, monkeypatch):
    run(browser, "accept_selected", select_all(browser), orders[0])
    one = BulkRun.objects.get()
    ticks = count(0, 0.4)
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: next(ticks))
        patched.setattr(slices.slice_task, "seconds", 0.9)  # enough time for two orders
        slices.work_slice(str(one.pk))
    browser.post(f"/crm/orders/bulkrun/{one.pk}/stop/")
    slices.work_slice(str(one.pk))
    assert statuses(orders).count("accepted") == 2
    browser.post(f"/crm/orders/bulkrun/{one.pk}/resume/")
    assert (work(one).done, statuses(orders)) == (5, ["accepted"] * 5)


def test_fault_with_one_order_is_reported_and_others_are_changed(browser, orders, monkeypatch):
    change = steps.change_status

    def fail(*, order_id, **kwargs):
        if order_id == orders[2].pk:
            raise ZeroDivisionError
        return change(order_id=order_id, **kwargs)

    monkeypatch.setattr(steps, "change_status", fail)
    run(browser, "accept_selected", select_all(browser), orders[0])
    assert (work().done, statuses(orders).count("new")) == (4, 1)
    assert "ZeroDivisionError" in BulkResult.objects.get(outcome="refused").reason


def test_rights_are_checked_again_when_the_run_is_done(browser_of, orders):
    florist = browser_of("orders.view_order", "orders.change_order_status")
    run(florist, "accept_selected", select_all(florist), orders[0])
    one = BulkRun.objects.get()
    one.started_by.user_permissions.clear()
    assert work(one).state == "failed"
    assert "больше не может" in one.error
    assert statuses(orders) == ["new"] * 5


def test_only_own_runs_are_shown_and_controlled(browser, browser_of, orders):
    run(browser, "accept_selected", select_all(browser), orders[0])
    one = BulkRun.objects.get()
    url = f"/crm/orders/bulkrun/{one.pk}/"
    other = browser_of("orders.view_order", "orders.change_order_status")
    assert str(one.pk) not in other.get("/crm/orders/bulkrun/").content.decode()
    assert other.get(f"{url}change/").status_code == 302
    assert other.get(f"{url}progress/").status_code == 404
    assert [other.post(f"{url}{name}/").status_code for name in ("stop", "resume", "undo")] == [404] * 3
    stranger = browser_of("orders.view_customer")
    assert stranger.get("/crm/orders/bulkrun/").status_code == 403
    viewer = browser_of("orders.view_order", "orders.change_order_status", "orders.view_bulkrun")
    assert viewer.get(f"{url}change/").status_code == 200
    assert viewer.post(f"{url}stop/").status_code == 403
    one.refresh_from_db()
    assert one.state == "running"


def test_manager_sees_and_stops_runs_of_others(browser, orders, client):
    from cvety_crm.roles import MANAGER

    run(browser, "accept_selected", select_all(browser), orders[0])
    one = BulkRun.objects.get()
    client.force_login(person(MANAGER))
    assert client.post(f"/crm/orders/bulkrun/{one.pk}/stop/", follow=True).status_code == 200
    one.refresh_from_db()
    assert one.state == "stopped"
