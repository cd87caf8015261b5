"""Tests of changes without an event or with an unusual event, and of the mails that the site sends."""

from __future__ import annotations

import pytest

from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.sandbox.mails import Mail


@pytest.fixture
def site(sandbox):
    return sandbox.site


def listed(call_bridge, **request):
    return call_bridge("order.list", **request).json()["orders"]


class TestChecksum:
    def test_checksum_is_equal_in_list_and_document_and_changes_with_its_parts(self, site, order, call_bridge):
        order_id = int(order["ID"])
        seen = [order["checksum"]]
        assert listed(call_bridge)[0]["checksum"] == order["checksum"]
        site.update_order(order_id, {"COMMENTS": "x", "STATUS_ID": "AP"})
        assert site.order(order_id)["checksum"] == order["checksum"]
        site.set_property_silently(order_id, "addressRecipient", "Достык 5")
        seen.append(site.order(order_id)["checksum"])
        site.update_order(order_id, {"PAYED": "Y"})
        seen.append(site.order(order_id)["checksum"])
        site.update_order(order_id, items=[{"bitrix_product_id": 697002, "quantity": 1, "price": 990}])
        seen.append(site.order(order_id)["checksum"])
        assert len(set(seen)) == 4
        assert listed(call_bridge)[0]["checksum"] == seen[-1]

    def test_property_written_by_the_old_api_changes_only_the_checksum(self, sandbox, site, order):
        before = len(sandbox.sender.events)
        site.set_property_silently(int(order["ID"]), "addressRecipient", "Достык 5")
        after = site.order(int(order["ID"]))
        assert after["properties"]["addressRecipient"] == "Достык 5"
        assert (after["VERSION"], after["DATE_UPDATE"]) == (order["VERSION"], order["DATE_UPDATE"])
        assert after["checksum"] != order["checksum"]
        assert len(sandbox.sender.events) == before


class TestArchive:
    def test_archived_order_disappears_without_an_event(self, sandbox, site, order, call_bridge):
        other = sandbox.place_order()
        site.archive_order(int(order["ID"]))
        assert [event.name for event in sandbox.sender.events] == ["order.create", "order.create"]
        assert [found["ID"] for found in site.all_orders()] == [other["ID"]]
        for action in ("order.get", "order.update", "order.status"):
            answer = call_bridge(action, order_id=order["ID"], status_id="AP")
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "order_archived")
        assert call_bridge("order.get", xml_id=order["XML_ID"]).json()["error"]["code"] == "order_archived"

    def test_archived_order_is_listed_on_request(self, sandbox, site, order, call_bridge):
        other = sandbox.place_order()
        site.archive_order(int(order["ID"]))
        assert [row["order_id"] for row in listed(call_bridge)] == [int(other["ID"])]
        rows = listed(call_bridge, archived=True)
        assert rows[0] == {"order_id": int(order["ID"]), "xml_id": order["XML_ID"], "archived": True}
        assert rows[1]["order_id"] == int(other["ID"])
        assert "archived" not in rows[1]
        first = call_bridge("order.list", archived=True, limit=1).json()
        assert (len(first["orders"]), first["next_after_id"]) == (1, int(order["ID"]))

    def test_create_does_not_repeat_an_archived_order(self, site, call_bridge, create_request):
        made = call_bridge("order.create", xml_id="crm-1", **create_request).json()
        site.archive_order(made["order_id"])
        again = call_bridge("order.create", xml_id="crm-1", **create_request).json()
        assert again == {**made, "order_number": str(made["order_id"]), "created": False, "archived": True}
        assert site.all_orders() == []

    def test_archive_survives_a_restart(self, tmp_path):
        path = str(tmp_path / "site.sqlite3")
        with Sandbox(data_file=path) as sandbox:
            order_id = int(sandbox.place_order()["ID"])
            sandbox.site.archive_order(order_id)
        with Sandbox(data_file=path) as sandbox:
            assert [row["order_id"] for row in sandbox.site.changed(with_archived=True)] == [order_id]


class TestDeletion:
    def test_deletion_is_two_saves_and_one_event(self, sandbox, site, order):
        site.delete_order(int(order["ID"]))
        assert site.saves[int(order["ID"])] == 3
        assert [event.name for event in sandbox.sender.events] == ["order.create", "order.delete"]

    def test_crm_deletes_only_the_orders_of_its_check(self, site, call_bridge, order, create_request):
        refused = call_bridge("order.delete", order_id=order["ID"])
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "not_a_check")
        made = call_bridge("order.create", xml_id="crm-check-1", **create_request).json()
        call_bridge("order.update", order_id=made["order_id"], fields={"PAYED": "Y"})
        assert call_bridge("order.delete", order_id=made["order_id"]).json()["deleted"] is True
        assert [found["ID"] for found in site.all_orders()] == [order["ID"]]
        assert site.mails[-1].order_id == int(order["ID"])


class TestMails:
    ALL = [
        "SALE_NEW_ORDER",
        "SALE_STATUS_CHANGED_N",
        "SALE_ORDER_PAID",
        "SALE_ORDER_CANCEL",
        "SALE_ORDER_TRACKING_NUMBER",
    ]

    def live(self, call_bridge, create_request, **extra):
        order_id = call_bridge("order.create", **{**create_request, **extra}).json()["order_id"]
        for fields in ({"PAYED": "Y"}, {"PAYED": "N"}, {"CANCELED": "Y"}, {"TRACKING_NUMBER": "KZ7"}):
            assert call_bridge("order.update", order_id=order_id, fields=fields).status_code == 200
        return order_id

    @pytest.mark.parametrize(
        ("rule", "xml_id", "expected"),
        [
            ("site", "crm-1", []),
            ("site", "", ALL),
            ("all", "crm-1", ALL),
            ("all", "crm-check-1", []),
            ("none", "crm-1", []),
            ("none", "", []),
        ],
    )
    def test_bridge_sends_mails_by_its_rule(self, site, call_bridge, create_request, rule, xml_id, expected):
        site.mail_rule = rule
        order_id = self.live(call_bridge, create_request, xml_id=xml_id)
        assert site.mails == [Mail(order_id, about, "a@mail.example") for about in expected]

    def test_changes_by_site_staff_always_send_mails(self, site, call_bridge, create_request):
        order_id = call_bridge("order.create", xml_id="crm-1", **create_request).json()["order_id"]
        site.update_order(order_id, {"PAYED": "Y"})
        assert [mail.about for mail in site.mails] == ["SALE_ORDER_PAID"]

    def test_placeholder_address_belongs_to_no_one(self, site, call_bridge, create_request):
        create_request["properties"].pop("email")
        call_bridge("order.create", **create_request)
        assert site.mails[0].to == "noemail7017654321@noemail.invalid"

    def test_raw_sql_sends_no_mail(self, site, create_request):
        site.create_order(create_request, origin="bridge", silent=True)
        assert site.mails == []


class TestGuests:
    def test_guests_without_a_phone_share_one_account(self, site, call_bridge, create_request):
        for _ in range(2):
            create_request["properties"].pop("phone", None)
            call_bridge("order.create", **{**create_request, "user_id": None})
        first, second = site.all_orders()
        assert first["USER_ID"] == second["USER_ID"]
        assert first["user"]["EXTERNAL_AUTH_ID"] == "saleanonymous"
        assert first["user"]["EMAIL"].startswith("anonymous_")

    def test_guest_with_a_phone_gets_their_own_account(self, order):
        assert order["user"]["EXTERNAL_AUTH_ID"] is None


class TestDelivery:
    @pytest.mark.parametrize(("given", "warnings"), [(None, []), (3, []), (77, ["no_delivery"])])
    def test_order_without_delivery_has_no_delivery_id(self, site, call_bridge, create_request, given, warnings):
        answer = call_bridge("order.create", **{**create_request, "delivery_id": given}).json()
        assert [one["code"] for one in answer.get("warnings", ())] == warnings
        assert site.order(answer["order_id"])["DELIVERY_ID"] is None

    def test_delivery_service_can_be_changed_to_a_known_one(self, order, update):
        answer, after = update(fields={"DELIVERY_ID": 2, "TRACKING_NUMBER": "KZ7"})
        assert (after["DELIVERY_ID"], after["TRACKING_NUMBER"]) == ("2", "KZ7")
        answer, _ = update(fields={"DELIVERY_ID": 77})
        assert (answer["error"]["code"], answer["error"]["step"]) == ("delivery_unknown", "shipment")


def test_inner_account_is_not_among_the_pay_systems(call_bridge):
    names = [row["name"] for row in call_bridge("reference").json()["pay_systems"]]
    assert names
    assert not any("Внутренний" in name for name in names)


def test_money_and_stock_survive_a_restart(tmp_path):
    path = str(tmp_path / "site.sqlite3")
    with Sandbox(data_file=path) as sandbox:
        order = sandbox.place_order()
        line = order["basket"][0]
        sandbox.site.set_stock(int(line["PRODUCT_ID"]), quantity=5, is_traced=True)
        sandbox.site.update_order(int(order["ID"]), {"PAYED": "Y"})
        smaller = [{"bitrix_product_id": int(line["PRODUCT_ID"]), "quantity": 1, "price": 1}]
        sandbox.site.update_order(int(order["ID"]), items=smaller)
        kept = sandbox.site.budget(order["USER_ID"]), sandbox.site.stock(int(line["PRODUCT_ID"]))
    with Sandbox(data_file=path) as sandbox:
        assert kept == (sandbox.site.budget(order["USER_ID"]), sandbox.site.stock(int(line["PRODUCT_ID"])))
        assert kept[0] > 0
