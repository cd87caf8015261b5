"""Tests of the exact limits of readable values, and of what the CRM keeps of unreadable values."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import ClassVar

import pytest

from bitrix_bridge.payloads import read_customer, read_order, read_product, read_status_change
from bitrix_bridge.payloads.amounts import read_money
from bitrix_bridge.payloads.dates import ALMATY, read_moment
from bitrix_bridge.payloads.listing import ListedOrder, read_listed_order
from bitrix_bridge.payloads.order import payments_of
from bitrix_bridge.payloads.properties import joined
from bitrix_bridge.payloads.reading import Reading
from bitrix_bridge.payloads.response import read_response
from bitrix_bridge.payloads.storable import add_under_free_key, storable
from bitrix_bridge.payloads.translation import ABSENT, Fields, contains_more_than_a_number
from bitrix_bridge.payloads.values import read_currency, read_flag, read_line
from orders.sync.snapshot import CustomerSnapshot, ItemSnapshot, Problem
from orders.sync.snapshot import ProblemReason as Reason


class TestMoments:
    @pytest.mark.parametrize(
        ("text", "hour"),
        [("12:05 AM", 0), ("1:05 am", 1), ("11:05 AM", 11), ("12:05 PM", 12), ("1:05 pm", 13), ("11:05 PM", 23)],
    )
    def test_twelve_hour_clock_is_read(self, text, hour):
        assert read_moment(f"25.08.2025 {text}") == Reading(datetime(2025, 8, 25, hour, 5, tzinfo=ALMATY))

    @pytest.mark.parametrize("text", ["0:05 AM", "13:05 PM"])
    def test_invalid_hour_of_twelve_hour_clock_is_unreadable(self, text):
        assert read_moment(f"25.08.2025 {text}") == Reading(reason=Reason.NOT_A_DATE)

    @pytest.mark.parametrize(
        ("zone", "minutes"),
        [("Z", 0), ("z", 0), ("+05", 300), ("+05:30", 330), ("-0330", -210), ("+0545", 345), ("-04", -240)],
    )
    def test_offset_of_time_zone_is_read(self, zone, minutes):
        moment = datetime(2025, 8, 25, 10, tzinfo=timezone(timedelta(minutes=minutes)))
        assert read_moment(f"2025-08-25T10:00:00{zone}") == Reading(moment)
        assert read_moment(f"2025-08-25T10:00:00{zone}").value.utcoffset() == timedelta(minutes=minutes)

    @pytest.mark.parametrize("name", ["+0530", "+05:30"])
    def test_php_time_zone_is_read(self, name):
        value = read_moment({"date": "2025-08-25 10:00:00", "timezone_type": 1, "timezone": name}).value
        assert value.utcoffset() == timedelta(hours=5, minutes=30)

    @pytest.mark.parametrize(
        ("raw", "year"),
        [(10**11, None), (10**12, 2001), (4_102_444_800 - 18_001, 2099), (946_684_800, 2000), (946_684_799, None)],
    )
    def test_unix_time_is_read_in_seconds_and_milliseconds(self, raw, year):
        reading = read_moment(raw)
        assert (reading.value.year if reading.value else None) == year
        assert reading.reason is (None if year else Reason.OUT_OF_RANGE)

    @pytest.mark.parametrize("raw", [-1, 1, 2**33, 2**33 - 1])
    def test_unix_time_far_from_any_order_is_unreadable(self, raw):
        assert read_moment(raw) == Reading(reason=Reason.OUT_OF_RANGE)


class TestListed:
    def test_listed_order_has_every_column(self):
        row = {
            "ID": 5,
            "STATUS_ID": "AP",
            "PRICE": 9,
            "PAYED": "Y",
            "CANCELED": "Y",
            "VERSION": "7",
            "XML_ID": "crm-check-1",
            "CHECKSUM": "0123456789abcdef0123456789abcdef",
            "ARCHIVED": True,
        }
        assert read_listed_order(row) == ListedOrder(
            bitrix_order_id=5,
            crm_order_id=None,
            version=7,
            values={"status": "AP", "total_amount": "9.00", "payment_status": "paid", "is_cancelled": True},
            unreadable={},
            is_check=True,
            checksum="0123456789abcdef0123456789abcdef",
            is_archived=True,
        )

    @pytest.mark.parametrize("raw", [False, None, "Y", 1])
    def test_only_true_marks_listed_order_as_archived(self, raw):
        assert read_listed_order({"id": 5, "archived": raw}).is_archived is False

    def test_columns_after_a_missing_one_are_read(self):
        assert read_listed_order({"id": 5, "canceled": "N"}).values == {"is_cancelled": False}
        assert read_listed_order({"id": 5}).is_check is False


class TestProduct:
    def test_empty_column_of_product_is_empty(self):
        product = read_product({"ID": 1, "ACTIVE": "", "OLD_PRICE": "", "NAME": "", "CODE": ""})
        assert product.fields["is_active"] is False
        assert product.fields["old_price"] is None

    @pytest.mark.parametrize(
        ("data", "price", "kept"),
        [
            ({"PRICES": {"2": "9000", "1": "7500"}}, "7500", {"PRICES": {"2": "9000", "1": "7500"}}),
            ({"PRICES": {"1": "7500"}, "PRICE": "8000"}, "7500", {"PRICES": {"1": "7500"}, "PRICE": "8000"}),
            ({"PRICE": "8000", "CATALOG_PRICE_1": "1"}, "8000", {"CATALOG_PRICE_1": "1"}),
            ({"PRICE": "8000"}, "8000", None),
            ({"PRICES": ["9000"]}, "9000", {"PRICES": ["9000"]}),
        ],
    )
    def test_base_price_is_read_and_prices_are_kept(self, data, price, kept):
        product = read_product({"ID": 1, **data})
        assert product.fields == {"price": Decimal(price)}
        assert product.metadata == ({"fields": kept} if kept else {})

    def test_empty_price_is_not_read(self):
        product = read_product({"ID": 1, "PRICES": {"BASE": None}})
        assert (product.fields, product.problems) == ({}, ())

    def test_picture_is_kept_if_it_is_more_than_a_url(self):
        picture = {"SRC": "/a.jpg", "WIDTH": 10}
        product = read_product({"ID": 1, "DETAIL_PICTURE": picture})
        assert product.fields == {"image_url": "/a.jpg", "picture_source": "DETAIL_PICTURE"}
        assert product.metadata == {"fields": {"DETAIL_PICTURE": picture}}
        assert read_product({"ID": 1, "DETAIL_PICTURE": "/a.jpg"}).metadata == {}


class TestStorable:
    def nested(self, levels, inner="я"):
        for _ in range(levels):
            inner = [inner]
        return inner

    def test_forty_levels_are_stored_as_structure(self):
        assert storable(self.nested(40)) == self.nested(40)
        value = storable({"a": self.nested(39)})
        assert value == {"a": self.nested(39)}

    def test_deeper_levels_are_stored_as_text(self):
        assert storable(self.nested(42)) == self.nested(40, '[["я"]]')
        assert storable({"a": self.nested(40)}) == {"a": self.nested(39, '["я"]')}
        assert storable(self.nested(41, Decimal("7.50"))) == self.nested(40, '["7.50"]')

    def test_value_that_cannot_become_text_is_replaced(self):
        assert storable(self.nested(40, {("a", "b"): [1]})) == self.nested(40, "…")


class TestResponse:
    def test_rows_after_an_invalid_one_are_read(self):
        refusal = {"what": "items", "code": "busy", "message": "Занято"}
        assert list(read_response({"refused": ["x", None, refusal]}).refused) == ["items"]

    @pytest.mark.parametrize("row", [{"what": "properties.email", "code": "x"}, {"code": "x", "message": "текст"}])
    def test_incomplete_warning_is_ignored(self, row):
        assert read_response({"refused": [row]}).warnings == ()


class TestCustomer:
    def test_guest_account_is_no_customer(self):
        data = {"ID": 5, "NAME": "Гость", "PHONE": "+77011234567"}
        assert read_customer({**data, "EXTERNAL_AUTH_ID": " SaleAnonymous "}) is None
        assert read_customer({**data, "EXTERNAL_AUTH_ID": "socservices"}).bitrix_user_id == 5
        assert read_customer(data).bitrix_user_id == 5

    def test_unreadable_phone_is_a_problem_with_its_value(self):
        order = read_order({"ID": 1, "properties": {"phone": "нет"}})
        assert order.problems == (Problem("properties.phone", "нет", Reason.NOT_A_PHONE),)

    def test_empty_phone_is_stored_as_empty(self):
        assert read_customer({"ID": 5, "PHONE": ""}).fields == {"phone": ""}

    @pytest.mark.parametrize("raw", ["", None, False, [], "&nbsp;"])
    def test_phone_of_the_recipient_that_says_nothing_is_empty(self, raw):
        order = read_order({"ID": 1, "properties": {"phoneRecipient": raw}})
        assert (order.fields["recipient_phone"], order.problems) == ("", ())

    @pytest.mark.parametrize(
        ("raw", "more"), [("+7 701 123 45 67", False), ("+7 701 123 45 671", True), ("87011234567 Айгуль", True)]
    )
    def test_text_with_more_than_a_number_is_detected(self, raw, more):
        assert contains_more_than_a_number(raw) is more


class TestStatusChange:
    @pytest.mark.parametrize(
        ("rest", "is_partial"),
        [
            ({}, True),
            ({"basket": False}, True),
            ({"basket": []}, True),
            ({"basket": True}, False),
            ({"PRICE": "0"}, False),
            ({"properties": {"city": 2}}, False),
        ],
    )
    def test_status_change_with_other_parts_is_a_whole_order(self, rest, is_partial):
        assert read_status_change({"ID": 1, "STATUS_ID": "AP", **rest}).is_partial is is_partial

    def test_pay_system_of_status_change_is_read(self):
        change = read_status_change({"ID": 1, "PRICE": 1, "PAY_SYSTEM_ID": "3"}, pay_systems={3: "kaspi"})
        assert change.fields["payment_method"] == "kaspi"


@pytest.mark.parametrize(
    ("raw", "payments"),
    [([{"ID": 1}], [{"ID": 1}]), ({"0": {"ID": 1}}, [{"ID": 1}]), ([], []), ([1], None), ("x", None), (None, None)],
)
def test_payments_are_read_only_from_a_list_of_objects(raw, payments):
    assert payments_of(raw) == payments


@pytest.mark.parametrize(
    ("raw", "reading"),
    [
        ("kzt", Reading("KZT")),
        ("", Reading()),
        ({}, Reading(reason=Reason.NOT_TEXT)),
        ("KZ", Reading(reason=Reason.OUT_OF_RANGE)),
        ("KZTT", Reading(reason=Reason.OUT_OF_RANGE)),
    ],
)
def test_currency_is_three_letters(raw, reading):
    assert read_currency(raw) == reading


def test_flag_of_only_spaces_is_empty():
    assert read_flag("") == read_flag("  ") == read_flag([]) == read_flag(None) == Reading()
    assert read_flag("XXXX") == Reading(reason=Reason.NOT_A_FLAG)


def test_moment_in_utc_is_not_shifted():
    assert read_moment("2025-08-25 10:00:00Z").value == datetime(2025, 8, 25, 10, tzinfo=UTC)


class TestBasket:
    LINE: ClassVar = {"ID": 501, "PRODUCT_ID": 7, "NAME": "Букет", "PRICE": "1000", "QUANTITY": 1, "BASE_PRICE": "1200"}

    def order(self, *lines):
        rows = [{**self.LINE, "ID": 501 + number, **line} for number, line in enumerate(lines)]
        return read_order({"ID": 1, "basket": rows})

    def test_every_part_of_a_line(self):
        texts = {"CURRENCY": "KZT", "PRODUCT_XML_ID": "x", "DETAIL_PAGE_URL": "/a", "NOTES": "n"}
        rest = {"DISCOUNT_PRICE": "200", "PROPS": [{"CODE": "C"}], "WEIGHT": "3", "VAT": ""}
        assert self.order({**texts, **rest}).items == (
            ItemSnapshot(
                bitrix_basket_id=501,
                bitrix_product_id=7,
                quantity=Decimal("1.000"),
                price=Decimal("1000.00"),
                product_snapshot={
                    "name": "Букет",
                    "currency": "KZT",
                    "xml_id": "x",
                    "url": "/a",
                    "notes": "n",
                    "original_price": "1200.00",
                    "discount": "200.00",
                    "properties": [{"CODE": "C"}],
                    "fields": {"WEIGHT": "3"},
                },
            ),
        )

    def test_xml_id_of_the_line_where_the_product_has_none(self):
        (line,) = self.order({"XML_ID": "y"}).items
        assert line.product_snapshot["xml_id"] == "y"
        (line,) = self.order({"XML_ID": "y", "PRODUCT_XML_ID": "x"}).items
        assert (line.product_snapshot["xml_id"], line.product_snapshot["fields"]) == ("x", {"XML_ID": "y"})

    @pytest.mark.parametrize(
        ("prices", "discount"),
        [
            (["1200", "1500"], Decimal(700)),
            (["1200", ""], None),
            (["", "1200"], None),
            (["0", "1200"], None),
            (["1000.5", "1001"], Decimal("1.50")),
        ],
    )
    def test_discount_is_said_by_all_lines_or_not_at_all(self, prices, discount):
        order = self.order(*({"BASE_PRICE": price} for price in prices))
        assert order.fields.get("discount_amount") == discount

    def test_free_line_of_a_small_list_price_says_its_discount(self):
        assert self.order({"BASE_PRICE": "0.5", "PRICE": "0.2"}).fields["discount_amount"] == Decimal("0.30")

    def test_line_that_costs_too_much(self):
        order = self.order({"QUANTITY": "99999999", "PRICE": "99999999"})
        assert (order.items[0].quantity, order.items[0].unknown_values) == (0, {"quantity": "99999999"})
        assert order.problems == (Problem("basket[0].QUANTITY", "99999999", Reason.OUT_OF_RANGE),)

    @pytest.mark.parametrize(
        ("quantity", "price", "is_in_range"),
        [
            ("1000000", "999999.99", True),
            ("999999.999", "1000000", True),
            ("1000000", "1000000", False),
            ("100", "9999999999.99", True),
            ("100.001", "9999999999.99", False),
            (9_999_999, "9 999 999 999,00", False),
        ],
    )
    def test_quantity_is_unknown_if_total_of_line_is_out_of_range(self, quantity, price, is_in_range):
        order = self.order({"QUANTITY": quantity, "PRICE": price, "BASE_PRICE": "9999999999.99"})
        (line,) = order.items
        assert line.price == read_money(price).value
        if is_in_range:
            assert line.quantity == Decimal(quantity)
            assert (order.problems, order.metadata) == ((), {})
        else:
            assert (line.quantity, line.unknown_values) == (0, {"quantity": str(quantity)})
            assert order.problems == (Problem("basket[0].QUANTITY", quantity, Reason.OUT_OF_RANGE),)
            assert order.metadata == {"fields": {"basket[0].QUANTITY": quantity}}
            assert "discount_amount" not in order.fields

    @pytest.mark.parametrize("name", ["QUANTITY", "PRICE"])
    @pytest.mark.parametrize(("raw", "kept", "value"), [("", False, None), ("много", True, "много")])
    def test_amount_that_can_not_be_read(self, name, raw, kept, value):
        order = self.order({name: raw})
        assert getattr(order.items[0], name.lower()) == 0
        assert order.items[0].unknown_values == {name.lower(): raw}
        assert order.problems == (Problem(f"basket[0].{name}", value, Reason.NOT_A_NUMBER),)
        assert order.metadata == ({"fields": {f"basket[0].{name}": raw}} if kept else {})

    @pytest.mark.parametrize(
        ("kind", "is_component"), [(None, True), ("", True), ("0", True), ("1", False), (0, True), ("x", False)]
    )
    def test_part_of_a_set(self, kind, is_component):
        order = self.order({}, {"SET_PARENT_ID": 5, "TYPE": kind})
        assert len(order.items) == (1 if is_component else 2)
        assert len(order.metadata.get("set_components", ())) == (1 if is_component else 0)
        assert len(self.order({"SET_PARENT_ID": ""}, {"SET_PARENT_ID": None}).items) == 2


class TestOrderer:
    CONTACTS: ClassVar = {"name": "Айгерим", "phone": "+77011234567", "email": "A@Cvety.kz"}

    def test_account_of_all_guests_says_nothing_of_who_has_ordered(self):
        user = {"ID": 5, "NAME": "Гость", "EXTERNAL_AUTH_ID": "saleanonymous"}
        order = read_order({"ID": 1, "USER_ID": 5, "user": user, "properties": self.CONTACTS})
        assert order.customer == CustomerSnapshot(
            bitrix_user_id=None,
            contacts_only=True,
            guest_account=5,
            fields={"name": "Айгерим", "phone": "+77011234567", "email": "a@cvety.kz"},
            typed={"name": "Айгерим", "phone": "+77011234567", "email": "a@cvety.kz"},
        )

    def test_contacts_of_an_account_without_a_name_and_a_phone(self):
        order = read_order({"ID": 1, "USER_ID": 5, "user": {"ID": 5}, "properties": self.CONTACTS})
        assert (order.customer.bitrix_user_id, order.customer.contacts_only) == (5, True)
        named = {"ID": 5, "NAME": "Дана", "LAST_NAME": "А.", "EXTERNAL_AUTH_ID": ""}
        order = read_order({"ID": 1, "user": named, "properties": self.CONTACTS})
        assert order.customer == CustomerSnapshot(
            bitrix_user_id=5,
            fields={"name": "Дана А.", "phone": "+77011234567", "email": "a@cvety.kz"},
            typed={"name": "Айгерим", "phone": "+77011234567", "email": "a@cvety.kz"},
            of_account=frozenset({"name"}),
        )
        assert order.fields["bitrix_user_id"] == 5

    def test_name_that_is_too_long_is_kept_whole(self):
        long = "я" * 200
        customer = read_customer({"ID": 5, "NAME": long, "LAST_NAME": long})
        assert (customer.fields, customer.problems) == ({"name": f"{long} {long}"}, ())

    def test_name_of_the_account_comes_first_then_name_then_fio(self):
        properties = {"name": "Имя", "fio": "Фамилия"}
        given = [({"NAME": "Счёт"}, "Счёт"), ({"NAME": ""}, "Имя"), ({}, "Имя")]
        for user, name in given:
            order = read_order({"ID": 1, "user": {"ID": 5, **user}, "properties": properties})
            assert order.customer.fields["name"] == name
        order = read_order({"ID": 1, "user": {"ID": 5}, "properties": {"fio": "Фамилия"}})
        assert order.customer.fields["name"] == "Фамилия"


class TestFields:
    @pytest.mark.parametrize("raw", [[], "", None, {}, 0, "x"])
    def test_value_is_found_in_each_spelling_of_its_name(self, raw):
        fields = Fields({"StatusId": raw})
        assert fields.peek("STATUS_ID") == fields.peek("statusId") == raw
        assert (fields.take("status_id"), fields.take("STATUS_ID"), fields.rest()) == (raw, ABSENT, [])

    def test_first_spelling_is_found_when_all_are_empty(self):
        pairs = [("basket", []), ("BASKET", None), ("Basket", "")]
        assert Fields(pairs).peek("basket") == Fields(pairs).take("basket") == []
        assert Fields(reversed(pairs)).peek("basket") == ""
        fields = Fields(pairs)
        fields.take("basket")
        assert fields.rest() == []

    def test_values_of_other_spellings_are_left(self):
        fields = Fields([("city", ""), ("CITY", "2"), ("name", "x"), ("City", "3"), ("c_i_t_y", None)])
        assert fields.take("city") == "2"
        assert fields.peek("city") == "3"
        assert sorted(fields.rest()) == [("City", "3"), ("name", "x")]
        assert (fields.take("city"), fields.take("city"), fields.rest()) == ("3", ABSENT, [("name", "x")])


class TestProperties:
    def test_several_values_are_one_text_and_one_stays_what_it_is(self):
        assert [joined(raw) for raw in (["a", "", "b"], ["a"], [5], [], "a", [{"x": 1}])] == [
            "a, b",
            "a",
            5,
            "",
            "a",
            [{"x": 1}],
        ]

    def test_property_without_a_code_is_known_by_its_id(self):
        rows = [
            {"ORDER_PROPS_ID": "7", "ID": "70", "VALUE": "a"},
            {"ID": "8", "VALUE": "b"},
            {"VALUE": "c"},
            {"CODE": " city ", "VALUE": "2"},
            {"CODE": "when"},
            {"NAME": "neither"},
        ]
        order = read_order({"ID": 1, "properties": rows})
        assert order.fields["city"] == 2
        assert order.metadata["properties"] == {"#2": "c", "#7": "a", "#8": "b", "when": {"CODE": "when"}}


class TestClock:
    def test_a_day_is_no_time_to_put_events_in_order_by_and_is_kept(self):
        order = read_order({"ID": 1, "DATE_UPDATE": "2025-08-25", "webhook_timestamp": ""})
        assert (order.updated_at, order.announced_at, order.metadata) == (
            None,
            None,
            {"fields": {"DATE_UPDATE": "2025-08-25"}},
        )

    def test_a_time_is_not_kept(self):
        order = read_order({"ID": 1, "DATE_UPDATE": "2025-08-25 10:00:00"})
        assert (order.updated_at, order.metadata) == (datetime(2025, 8, 25, 10, tzinfo=ALMATY), {})


@pytest.mark.parametrize("raw", [True, False, object()])
def test_no_moment(raw):
    assert read_moment(raw) == Reading(reason=Reason.NOT_A_DATE)


@pytest.mark.parametrize(
    ("raw", "text"),
    [(1.5, "1.5"), (Decimal("0.00000001"), "0.00000001"), (2.0, "2"), (True, "1"), (False, ""), (None, "")],
)
def test_number_as_a_text(raw, text):
    assert read_line(raw, max_length=50) == Reading(text)


def test_many_values_of_one_name_are_numbered_in_order():
    kept: dict = {}
    for number in range(14):
        add_under_free_key(kept, "a", number)
    assert list(kept) == ["a", *(f"a#{number}" for number in range(2, 15))]
