"""Tests that `order.delete` deletes only orders that a site check has created."""

import pytest


@pytest.fixture
def create(call_bridge, create_request):
    """Return a function that creates an order with an XML_ID and returns the id of the order."""

    def do(xml_id):
        return call_bridge("order.create", xml_id=xml_id, **create_request).json()["order_id"]

    return do


def test_delete_removes_the_order_of_a_check(sandbox, call_bridge, create):
    order_id = create("crm-check-1")
    answer = call_bridge("order.delete", order_id=order_id)
    assert (answer.status_code, answer.json()) == (200, {"success": True, "order_id": order_id, "deleted": True})
    assert call_bridge("order.get", order_id=order_id).json()["error"]["code"] == "order_not_found"
    event = sandbox.sender.events[-1]
    assert (event.name, event.data["XML_ID"], event.origin) == ("order.delete", "crm-check-1", "bridge")


def test_delete_marks_a_paid_order_unpaid_first(call_bridge, create):
    order_id = create("crm-check-1")
    call_bridge("order.update", order_id=order_id, fields={"PAYED": "Y"})
    assert call_bridge("order.delete", order_id=order_id).status_code == 200


@pytest.mark.parametrize("xml_id", ["crm-1", "bx_crm-check-1", ""])
def test_delete_refuses_any_other_order(call_bridge, create, xml_id):
    order_id = create(xml_id)
    answer = call_bridge("order.delete", order_id=order_id)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["step"]) == (422, "not_a_check", "delete")
    assert call_bridge("order.get", order_id=order_id).status_code == 200


def test_delete_of_an_unknown_order_is_not_found(call_bridge):
    assert call_bridge("order.delete", order_id=99).json()["error"]["code"] == "order_not_found"
    assert call_bridge("order.delete", order_id="x").json()["error"]["code"] == "bad_id"
