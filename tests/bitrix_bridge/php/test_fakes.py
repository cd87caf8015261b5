"""Tests that the fake Bitrix classes behave like the real ones, one test for each row of the table in docs/bitrix.md.

The tests of sums, payments and stock are in test_fake_money.py, those of the connection in test_fake_connection.py.
"""

from __future__ import annotations

PRODUCT = 696613


def basket_id(site, order_id):
    return site.lines(order_id)[0]["ID"]


class TestVersions:
    def test_overlapping_saves_write_the_loaded_version_plus_one(self, site):
        order_id = site.place_order()
        late = ["set", "slow", {"COMMENTS": "медленно"}], ["save", "slow"]
        with site.held(["load", "slow", order_id], ["hold_until_resumed"], *late) as slow:
            site.hit(["change", order_id, {"STATUS_ID": "AP"}], ["pay", order_id])
            before = site.order(order_id)
        assert slow.result()[3]["version"] == 1
        after = site.order(order_id)
        assert (before["VERSION"], after["VERSION"]) == (2, 1)
        assert after["DATE_UPDATE"] >= before["DATE_UPDATE"]
        assert (after["STATUS_ID"], after["PAYED"], after["COMMENTS"]) == ("AP", "Y", "медленно"), (
            "only changed columns are written"
        )

    def test_equal_versions_may_have_different_contents(self, site):
        order_id = site.place_order()
        answers = site.hit(
            ["load", "a", order_id],
            ["load", "b", order_id],
            ["set", "a", {"COMMENTS": "a"}],
            ["set", "b", {"ADDITIONAL_INFO": "b"}],
            ["save", "a"],
            ["save", "b"],
        )
        assert [answer["version"] for answer in answers[4:]] == [1, 1]

    def test_change_of_a_part_increments_the_version_and_an_empty_save_does_not(self, site):
        order_id = site.place_order()
        assert site.hit(
            ["change", order_id, {}, {"nameRecipient": "Дана"}],
            ["change", order_id, {"STATUS_ID": "N"}, {"nameRecipient": "Дана"}],
            ["shipment", order_id, {"TRACKING_NUMBER": "KZ1"}],
        ) == [1, 1, 2]

    def test_new_property_of_the_shop_makes_the_next_save_a_change(self, site):
        order_id = site.place_order()
        site.execute(
            "INSERT INTO b_sale_order_props (PERSON_TYPE_ID, NAME, TYPE, PROPS_GROUP_ID, CODE, ENTITY_TYPE)"
            " VALUES (1, 'Цвет', 'STRING', 1, 'colour', 'ORDER')"
        )
        assert site.hit(["change", order_id]) == [1]
        assert "colour" in site.properties(order_id)


class TestProperties:
    def test_every_property_has_a_row_and_unset_ones_have_null(self, site):
        order_id = site.place_order()
        found = site.properties(order_id)
        assert len(found) == 21
        assert (found["city"], found["postcardText"], found["extras"]) == ("2", None, None)

    def test_value_outside_the_list_is_stored_and_marks_the_order(self, site):
        order_id = site.place_order(properties={"city": "99"})
        order = site.order(order_id)
        reason = 'Свойство заказа "city" - ошибка ввода'
        assert (order["MARKED"], order["REASON_MARKED"], site.properties(order_id)["city"]) == ("Y", reason, "99")
        held = site.hit(["load", "a", order_id], ["set", "a", {"COMMENTS": "x"}], ["save", "a"])
        assert held[2]["warnings"] == [reason], "each later save repeats the message"
        site.hit(["change", order_id, {}, {"city": "2"}])
        assert site.order(order_id)["MARKED"] == "Y", "until the marker is solved"
        assert site.markers(order_id) == [reason]

    def test_text_over_500_characters_is_not_stored(self, site):
        order_id = site.place_order(properties={"postcardText": "Мама"})
        answers = site.hit(
            ["load", "a", order_id],
            ["set", "a", {}, {"postcardText": "я" * 501, "nameRecipient": "Дана"}],
            ["save", "a"],
        )
        assert answers[2]["warnings"] == [
            'Свойство заказа "postcardText" - длина больше 500 символов',
            'Длина значения свойства "" (501) превышает допустимую (500)',
        ]
        assert site.properties(order_id)["postcardText"] == "Мама"
        assert site.properties(order_id)["nameRecipient"] == "Дана", "the other values are stored"
        assert site.order(order_id)["MARKED"] == "Y"
        new_id = site.place_order(properties={"postcardText": "я" * 501})
        assert "postcardText" not in site.properties(new_id)

    def test_length_limit_of_a_property_is_only_a_warning(self, site):
        settings = 'a:1:{s:9:"MAXLENGTH";i:10;}'
        site.execute("UPDATE b_sale_order_props SET SETTINGS = ? WHERE CODE = 'postcardText'", settings)
        order_id = site.place_order(properties={"postcardText": "я" * 11})
        assert site.properties(order_id)["postcardText"] == "я" * 11
        assert site.order(order_id)["REASON_MARKED"].endswith("длина больше 10 символов")


class TestShipments:
    def test_system_shipment_has_no_price(self, site):
        system, ordinary = site.shipments(site.place_order())
        assert (system["SYSTEM"], system["PRICE_DELIVERY"], system["DELIVERY_ID"]) == ("Y", None, 1)
        assert (ordinary["SYSTEM"], ordinary["PRICE_DELIVERY"]) == ("N", "1500.0000")

    def test_order_without_delivery_gets_the_service_of_that_name(self, site):
        order_id = site.place_order(delivery_id=None, delivery_price=0)
        assert site.order(order_id)["DELIVERY_ID"] == "3"
        assert {row["DELIVERY_NAME"] for row in site.shipments(order_id)} == {"Без доставки"}


class TestEventsAndMails:
    """Tests of mails, history and events."""

    def test_status_payment_and_cancellation_send_mails(self, site):
        order_id = site.place_order(properties={"email": "maria@mail.example"})
        address = "maria@mail.example"
        new = [("SALE_STATUS_CHANGED_N", address), ("SALE_NEW_ORDER", address)]
        assert site.mails() == new
        site.hit(["change", order_id, {"STATUS_ID": "AP"}], ["pay", order_id])
        site.hit(["shipment", order_id, {"TRACKING_NUMBER": "KZ1"}], ["unpay", order_id], ["cancel", order_id])
        kinds = [kind for kind, _ in site.mails()[2:]]
        assert kinds == ["SALE_STATUS_CHANGED_AP", "SALE_ORDER_PAID", "SALE_ORDER_TRACKING_NUMBER", "SALE_ORDER_CANCEL"]

    def test_mails_can_be_turned_off_for_the_request(self, site):
        site.hit(["letters", False], ["create", {}])
        assert site.mails() == []
        site.hit(["create", {}])
        assert [address for _, address in site.mails()] == ["aigerim@cvety.example"] * 2

    def test_history_of_a_request_without_a_user_has_no_user(self, site):
        order_id = site.place_order()
        site.hit(["change", order_id, {"STATUS_ID": "AP"}, {"nameRecipient": "Дана"}], ["pay", order_id])
        site.hit(["quantity", order_id, basket_id(site, order_id), 2])
        assert site.history(order_id) == [
            ("ORDER_ADDED", 0),
            ("BASKET_ADDED", 0),
            ("PAYMENT_ADDED", 0),
            ("ORDER_STATUS_CHANGED", 0),
            ("PAYMENT_PAID", 0),
            ("ORDER_PRICE_CHANGED", 0),
            ("BASKET_QUANTITY_CHANGED", 0),
        ]

    def test_saved_event_is_sent_once_and_before_the_change_events(self, site):
        order_id = site.place_order()
        (_, events) = site.hit(["change", order_id, {"STATUS_ID": "AP", "CANCELED": "Y"}], ["events"])
        assert [name for name in events if "FinalAction" not in name] == [
            "OnSaleBeforeStatusOrderChange",
            "OnSaleBeforeOrderCanceled",
            "OnSaleOrderBeforeSaved",
            "OnSaleOrderEntitySaved",
            "OnSaleOrderSaved",
            "OnSaleStatusOrderChange",
            "OnSaleOrderCanceled",
        ]

    def test_saved_event_has_is_new_and_is_changed(self, site):
        (order_id, saves) = site.hit(["create", {}], ["saves"])
        assert saves == [{"IS_NEW": True, "IS_CHANGED": True}]
        answers = site.hit(["change", order_id, {"STATUS_ID": "AP"}], ["change", order_id], ["saves"])
        assert answers[2] == [{"IS_NEW": False, "IS_CHANGED": True}, {"IS_NEW": False, "IS_CHANGED": False}]

    def test_deletion_is_two_saves_and_one_event(self, site):
        order_id = site.place_order()
        (deleted, events) = site.hit(["delete", order_id], ["events"])
        saved, before, after = "OnSaleOrderSaved", "OnSaleBeforeOrderDelete", "OnSaleOrderDeleted"
        assert deleted is True
        assert [name for name in events if name in (saved, before, after)] == [saved, before, saved, after]
        tables = ["b_sale_order", *(f"b_sale_{part}" for part in ("basket", "order_props_value", "order_payment"))]
        for table in [*tables, "b_sale_order_delivery", "b_sale_order_dlv_basket", "b_sale_order_change"]:
            assert site.rows(f"SELECT ID FROM {table}") == [], table
        assert len(site.mails()) == 2, "no mail about the cancellation is sent"

    def test_request_starts_a_session_unless_it_is_virtual(self, site):
        site.hit()
        assert site.sessions() == ["/shop.php"]
        shop = site.document_root / "shop.php"
        shop.write_text(shop.read_text().replace("ob_start();", "define('BX_SECURITY_SESSION_VIRTUAL', true);", 1))
        site.hit()
        assert site.sessions() == ["/shop.php"]


class TestOldFunctions:
    def test_old_update_and_status_increment_the_version_twice(self, announcing, receiver):
        order_id = announcing.place_order()
        announcing.wait_for_empty_queue()
        announcing.hit(["old_update", order_id, {"COMMENTS": "x"}])
        announcing.hit(["old_status", order_id, "AP"])
        order = announcing.order(order_id)
        assert (order["VERSION"], order["COMMENTS"], order["STATUS_ID"]) == (4, "x", "AP")
        announcing.wait_for_empty_queue()
        assert len(receiver.bodies) == 3
        assert announcing.hit(["old_status", order_id, "AP"]) == [False]

    def test_old_pay_and_cancel_increment_the_version_once(self, site):
        order_id = site.place_order()
        site.hit(["old_pay", order_id, "Y"])
        assert (site.order(order_id)["VERSION"], site.order(order_id)["PAYED"]) == (1, "Y")
        site.hit(["old_pay", order_id, "N"], ["old_cancel", order_id, "Y", "Передумали"])
        order = site.order(order_id)
        assert (order["VERSION"], order["CANCELED"], order["REASON_CANCELED"]) == (3, "Y", "Передумали")

    def test_old_property_update_sends_no_event(self, announcing, receiver):
        order_id = announcing.place_order()
        announcing.wait_for_empty_queue()
        before = announcing.order(order_id)
        announcing.hit(["old_property", order_id, "nameRecipient", "Дана"], ["events"])
        assert announcing.properties(order_id)["nameRecipient"] == "Дана"
        assert announcing.order(order_id) == before
        assert announcing.queue() == []
        assert len(receiver.bodies) == 1

    def test_archiving_sends_no_event(self, announcing, receiver):
        order_id = announcing.place_order()
        announcing.hit(["ship", order_id])
        announcing.wait_for_empty_queue()
        before = len(receiver.bodies)
        assert announcing.hit(["archive", order_id]) == [1]
        assert announcing.archived() == [order_id]
        assert announcing.rows("SELECT ID FROM b_sale_order") == []
        assert announcing.queue() == []
        assert len(receiver.bodies) == before

    def test_archiving_releases_reservations_by_a_save(self, site):
        order_id = site.place_order()
        (_, events) = site.hit(["archive", order_id], ["events"])
        assert [name for name in events if name.startswith("OnSaleOrder")] == [
            "OnSaleOrderBeforeArchived",
            "OnSaleOrderBeforeSaved",
            "OnSaleOrderEntitySaved",
            "OnSaleOrderSaved",
        ]
        assert site.stock(PRODUCT) == (100, 0)

    def test_guests_share_one_account(self, site):
        first, second = (site.hit(["guest"])[0] for _ in range(2))
        assert first == second
        (user,) = site.rows("SELECT * FROM b_user WHERE ID = ?", first)
        assert (user["NAME"], user["EXTERNAL_AUTH_ID"], user["ACTIVE"]) == (
            "Анонимный пользователь",
            "saleanonymous",
            "N",
        )
        assert user["EMAIL"].startswith("anonymous_")
        assert user["EMAIL"].endswith("@example.com")
        (option,) = site.rows("SELECT VALUE FROM b_option WHERE MODULE_ID = 'sale' AND NAME = 'anonymous_user_id'")
        assert option["VALUE"] == str(first)
