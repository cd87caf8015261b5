"""Tests of the bridge's side effects and of changes without an event.

The side effects are mails, sessions, history and log. Changes without an event are made by the archive and by raw SQL.
"""

from __future__ import annotations

import json

import pytest


def changed(site, order_id, **request):
    answer = site.call("order.update", order_id=order_id, **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


def make(site, create_request, xml_id="crm-1", **changes):
    return site.call("order.create", xml_id=xml_id, **(create_request | changes)).json()["order_id"]


class TestMails:
    def live_through_everything(self, site, order_id):
        for fields in (
            {"STATUS_ID": "AP"},
            {"PAYED": "Y"},
            {"PAYED": "N", "TRACKING_NUMBER": "KZ1"},
            {"CANCELED": "Y"},
        ):
            changed(site, order_id, fields=fields)
        site.call("order.status", order_id=order_id, status_id="PD")

    def test_order_of_the_crm_sends_no_mail(self, site, create_request):
        self.live_through_everything(site, make(site, create_request))
        assert site.mails() == []

    def test_order_of_the_site_sends_mails(self, site):
        order_id = site.place_order()
        before = len(site.mails())
        assert before, "new order"
        self.live_through_everything(site, order_id)
        assert len(site.mails()) > before

    @pytest.mark.parametrize(("value", "of_crm", "of_site"), [("all", True, True), ("none", False, False)])
    def test_constant_decides_which_mails_are_sent(self, make_site, create_request, value, of_crm, of_site):
        site = make_site(line_in_init=False, init=f"define('CRM_BRIDGE_LETTERS', '{value}');")
        self.live_through_everything(site, make(site, create_request))
        assert bool(site.mails()) is of_crm
        order_id = site.place_order()
        before = len(site.mails())
        self.live_through_everything(site, order_id)
        assert (len(site.mails()) > before) is of_site

    def test_order_of_the_check_never_sends_mails(self, make_site, create_request):
        site = make_site(line_in_init=False, init="define('CRM_BRIDGE_LETTERS', 'all');")
        order_id = make(site, create_request, "crm-check-1")
        self.live_through_everything(site, order_id)
        assert site.call("order.delete", order_id=order_id).json()["deleted"] is True
        assert site.mails() == []


def test_request_of_the_crm_leaves_no_session(site, create_request):
    make(site, create_request)
    site.call("ping")
    assert site.sessions() == []
    site.place_order()
    assert site.sessions() == ["/shop.php"], "a visitor has a session"


class TestDeleting:
    def test_only_orders_of_the_check_are_deleted(self, site, create_request):
        ours, theirs = make(site, create_request), site.place_order()
        for order_id in (ours, theirs):
            answer = site.call("order.delete", order_id=order_id)
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "not_a_check")
        assert len(site.rows("SELECT ID FROM b_sale_order")) == 2

    def test_paid_order_of_the_check_is_deleted(self, site, create_request):
        order_id = make(site, create_request, "crm-check-1")
        changed(site, order_id, fields={"PAYED": "Y"})
        assert site.call("order.delete", order_id=order_id).json() == {
            "success": True,
            "order_id": order_id,
            "deleted": True,
        }
        assert site.call("order.delete", order_id=order_id).status_code == 404
        assert site.inner_account(1079) == (0, [])


class TestArchive:
    def test_archived_order_is_reported_as_archived_not_deleted(self, site, create_request):
        order_id = make(site, create_request)
        other = site.place_order()
        site.hit(["archive", order_id])
        for request in ({"order_id": order_id}, {"xml_id": "crm-1"}):
            answer = site.call("order.get", **request)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "order_archived")
        for action, more in (("order.update", {"fields": {"COMMENTS": "x"}}), ("order.status", {"status_id": "AP"})):
            answer = site.call(action, order_id=order_id, **more)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "order_archived")
        again = site.call("order.create", xml_id="crm-1", **create_request).json()
        assert (again["order_id"], again["created"], again["archived"]) == (order_id, False, True)
        assert [row["order_id"] for row in site.call("order.list").json()["orders"]] == [other]

    def test_archived_order_is_listed_on_request(self, site):
        ids = [site.place_order() for _ in range(5)]
        for order_id in (ids[0], ids[2]):
            site.hit(["archive", order_id])

        def pages(limit):
            after, found = 0, []
            while after is not None:
                page = site.call("order.list", archived=True, limit=limit, after_id=after).json()
                found += [(row["order_id"], row.get("archived", False)) for row in page["orders"]]
                after = page["next_after_id"]
            return found

        wanted = [(order_id, order_id in (ids[0], ids[2])) for order_id in ids]
        assert [pages(limit) for limit in (1, 2, 3, 100)] == [wanted] * 4

    def test_pending_event_of_an_archived_order_is_dropped(self, announcing, receiver):
        order_id = announcing.place_order()
        announcing.wait_for_empty_queue()
        announcing.hit(["change", order_id, {"COMMENTS": "x"}], dies=True)
        announcing.hit(["archive", order_id], dies=True)
        announcing.run_agents()
        assert announcing.queue() == []


class TestChecksum:
    def checksum(self, site, order_id):
        (row,) = [row for row in site.call("order.list").json()["orders"] if row["order_id"] == order_id]
        assert site.call("order.get", order_id=order_id).json()["order"]["checksum"] == row["checksum"]
        return row["version"], row["date_update"], row["checksum"]

    def test_silent_change_changes_the_checksum(self, site):
        order_id = site.place_order()
        before = self.checksum(site, order_id)
        assert self.checksum(site, order_id) == before
        site.hit(["old_property", order_id, "nameRecipient", "Дана"])
        after = self.checksum(site, order_id)
        assert after[:2] == before[:2], "no event, no version, no date"
        assert after[2] != before[2]

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE b_sale_basket SET QUANTITY = '2.0000'",
            "UPDATE b_sale_basket SET NAME = 'Другой букет'",
            "UPDATE b_sale_order_payment SET SUM = '100.0000'",
            "UPDATE b_sale_order_payment SET PAID = 'Y'",
        ],
    )
    def test_checksum_covers_lines_and_payments(self, site, sql):
        order_id = site.place_order()
        before = self.checksum(site, order_id)[2]
        site.execute(sql)
        assert self.checksum(site, order_id)[2] != before

    def test_list_uses_the_same_number_of_statements_for_any_length(self, site):
        for _ in range(3):
            site.place_order()
        counts = []
        for limit in (1, 3):
            before = site.statements()
            site.call("order.list", limit=limit)
            counts.append(site.statements() - before)
        assert counts[0] == counts[1]


def test_order_has_all_properties_with_unset_ones_empty(site, create_request):
    order_id = make(site, create_request)
    properties = site.call("order.get", order_id=order_id).json()["order"]["properties"]
    codes = {row["CODE"] for row in site.rows("SELECT CODE FROM b_sale_order_props")}
    assert set(properties) == codes
    assert (properties["pickup"], properties["nameRecipient"]) == ("", "Әлия")


def test_order_has_its_payments(site, create_request):
    order_id = make(site, create_request)
    changed(site, order_id, fields={"PAYED": "Y"})
    changed(site, order_id, fields={"PRICE": "9500.00"})
    changed(site, order_id, fields={"PAYED": "Y"})
    payments = site.call("order.get", order_id=order_id).json()["order"]["payments"]
    assert [(row["SUM"], row["PAID"], row["PAY_SYSTEM_ID"]) for row in payments] == [
        ("9000.0000", "Y", "1"),
        ("500.0000", "Y", "1"),
    ]


def test_inner_account_is_not_among_the_pay_systems(site, create_request):
    before = site.call("reference").json()["pay_systems"]
    changed(site, make(site, create_request), fields={"PAYED": "Y"})
    assert site.rows("SELECT ID FROM b_sale_pay_system_action WHERE ACTION_FILE = 'inner'")
    assert site.call("reference").json()["pay_systems"] == before


def test_order_without_delivery_has_no_delivery_id(site, create_request):
    order_id = make(site, create_request, delivery_id=None)
    assert str(site.order(order_id)["DELIVERY_ID"]) == "3"
    assert site.call("order.get", order_id=order_id).json()["order"]["DELIVERY_ID"] is None


def test_history_of_the_site_has_no_user(site, create_request):
    order_id = make(site, create_request)
    site.call("order.status", order_id=order_id, status_id="AP")
    rows = site.rows("SELECT TYPE, USER_ID, DATA FROM b_sale_order_change WHERE ORDER_ID = ?", order_id)
    assert {int(row["USER_ID"]) for row in rows} == {0}
    assert "ORDER_STATUS_CHANGED" in [row["TYPE"] for row in rows]


def test_guest_account_is_marked_as_anonymous(site, create_request):
    order_id = make(site, create_request, user_id=None, properties={"nameRecipient": "Дана"})
    user = site.call("order.get", order_id=order_id).json()["order"]["user"]
    assert (user["EXTERNAL_AUTH_ID"], user["NAME"]) == ("saleanonymous", "Анонимный пользователь")
    assert user["IS_GUEST_ACCOUNT"] == "Y"
    # The option of the site is enough: an editor may have changed the account.
    site.execute("UPDATE b_user SET EXTERNAL_AUTH_ID = NULL, NAME = 'Гости' WHERE ID = ?", user["ID"])
    assert site.call("order.get", order_id=order_id).json()["order"]["user"]["IS_GUEST_ACCOUNT"] == "Y"


def test_order_can_use_its_own_reservation(site, create_request):
    site.execute(
        "UPDATE b_catalog_product SET QUANTITY = '1', QUANTITY_TRACE = 'Y', CAN_BUY_ZERO = 'N' WHERE ID = 696613"
    )
    order_id = make(site, create_request)
    assert site.stock(696613) == (0, 1)
    assert "warnings" not in changed(site, order_id, fields={"PRICE": "8000.00"})


def test_log_has_no_names_and_no_texts(site, create_request):
    create_request["properties"]["postcardText"] = "тайна" * 200
    order_id = make(site, create_request)
    changed(site, order_id, fields={"COMMENTS": "x"}, properties={"postcardText": "тайна" * 200})
    log = site.log_path.read_text()
    assert "property_too_long" in log
    assert "тайна" not in log
    assert json.dumps("Әлия")[1:-1] not in log
