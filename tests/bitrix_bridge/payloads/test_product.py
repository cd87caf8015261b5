"""Tests of products in the format of the site's catalogue."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bitrix_bridge.payloads import PayloadError, read_product
from orders.sync.snapshot import Problem
from orders.sync.snapshot import ProblemReason as Reason


def test_product_is_read():
    snapshot = read_product(
        {
            "ID": "696613",
            "NAME": "Букет &quot;Стандарт&quot;",
            "CODE": "buket-standart",
            "ACTIVE": "Y",
            "QUANTITY": "5",
            "IBLOCK_ID": "27",
            "TIMESTAMP_X": "26.09.2025 14:59:39",
            "DETAIL_PICTURE": "/upload/iblock/a 1.jpg",
            "PRICES": {"BASE": {"PRICE": "7500.00", "CURRENCY": "KZT"}},
            "PROPERTIES": {"OLD_PRICE": {"VALUE": "8 000 ₸"}, "COLOR": {"CODE": "COLOR", "VALUE": ["белый"]}},
        }
    )
    assert snapshot.bitrix_product_id == 696613
    assert snapshot.updated_at == datetime(2025, 9, 26, 9, 59, 39, tzinfo=UTC)
    assert snapshot.fields == {
        "name": 'Букет "Стандарт"',
        "slug": "buket-standart",
        "is_active": True,
        "quantity": Decimal("5.000"),
        "price": Decimal("7500.00"),
        "old_price": Decimal("8000.00"),
        "image_url": "/upload/iblock/a 1.jpg",
        "picture_source": "DETAIL_PICTURE",
    }
    assert snapshot.metadata == {
        "fields": {"IBLOCK_ID": "27", "PRICES": {"BASE": {"PRICE": "7500.00", "CURRENCY": "KZT"}}},
        "properties": {"COLOR": ["белый"]},
    }
    assert snapshot.problems == ()


@pytest.mark.parametrize(
    "data",
    [
        {"PRICES": {"BASE": {"PRICE": 7500}}},
        {"PRICES": {"RETAIL": "9000", "BASE": "7500"}},
        {"PRICES": {"1": "7500.00", "2": "9000.00"}},
        {"PRICES": {"1": {"PRICE": "7500", "CURRENCY": "KZT"}}},
        {"PRICES": [{"PRICE": "9000", "CATALOG_GROUP_ID": "2"}, {"PRICE": "7500", "CATALOG_GROUP_ID": "1"}]},
        {"PRICES": [{"price": 7500, "currency": "KZT", "catalogGroupId": 5}]},
        {"PRICES": [{"PRICE": "16", "CURRENCY": "USD"}, {"PRICE": "7500", "CURRENCY": "KZT"}]},
        {"PRICES": {"PRICE": "7500", "CURRENCY": "KZT"}},
        {"PRICES": {"BASE": {"VALUE": "7500", "PRINT_VALUE": "7 500 ₸"}}},
        {"PRICES": "7 500 ₸"},
        {"PRICES": [], "PRICE": "7500"},
        {"CATALOG_PRICE_1": "7500"},
    ],
)
def test_price_is_read_in_each_format(data):
    snapshot = read_product({"ID": 1, **data})
    assert snapshot.fields == {"price": Decimal("7500.00")}
    assert snapshot.problems == ()


@pytest.mark.parametrize("prices", [[], {}, None, ""])
def test_product_without_price_has_no_price(prices):
    snapshot = read_product({"ID": 1, "PRICES": prices})
    assert snapshot.fields == {}
    assert snapshot.problems == ()


@pytest.mark.parametrize(
    ("prices", "reason"),
    [
        ([{"PRICE": "16", "CURRENCY": "USD"}], Reason.OUT_OF_RANGE),
        ({"BASE": {}}, Reason.NOT_A_NUMBER),
        (["дорого"], Reason.NOT_A_NUMBER),
        (True, Reason.NOT_A_NUMBER),
    ],
)
def test_unreadable_price_is_a_problem(prices, reason):
    snapshot = read_product({"ID": 1, "PRICES": prices})
    assert snapshot.fields == {}
    assert snapshot.problems == (Problem("PRICES", prices, reason),)
    assert snapshot.metadata == {"fields": {"PRICES": prices}}


def test_old_price_is_read():
    assert read_product({"ID": 1, "OLD_PRICE": "8000"}).fields == {"old_price": Decimal("8000.00")}
    assert read_product({"ID": 1, "OLD_PRICE": ""}).fields == {"old_price": None}
    assert read_product({"ID": 1, "PROPERTIES": {"OLD_PRICE": {"VALUE": ""}}}).fields == {"old_price": None}
    snapshot = read_product({"ID": 1, "PROPERTIES": {"OLD_PRICE": {"VALUE": "нет"}}})
    assert snapshot.fields == {}
    assert snapshot.problems == (Problem("PROPERTIES.OLD_PRICE", "нет", Reason.NOT_A_NUMBER),)
    assert snapshot.metadata == {"properties": {"OLD_PRICE": "нет"}}


@pytest.mark.parametrize(
    ("picture", "address"),
    [
        ("https://cvety.kz/a.jpg", "https://cvety.kz/a.jpg"),
        ("//cdn.cvety.kz/a.jpg", "https://cdn.cvety.kz/a.jpg"),
        ("/upload/a.jpg", "/upload/a.jpg"),
        ({"SRC": "/upload/a.jpg"}, "/upload/a.jpg"),
        ({"src": "/upload/a.jpg", "id": "5"}, "/upload/a.jpg"),
        ({"id": "5", "url": "/rest/x?id=5&amp;a=1"}, "/rest/x?id=5&a=1"),
    ],
)
def test_url_of_picture_is_read(picture, address):
    snapshot = read_product({"ID": 1, "DETAIL_PICTURE": picture})
    assert snapshot.fields == {"image_url": address, "picture_source": "DETAIL_PICTURE"}
    assert snapshot.problems == ()


@pytest.mark.parametrize(
    ("data", "address", "source"),
    [
        ({"DETAIL_PICTURE": "", "PREVIEW_PICTURE": "/a.jpg"}, "/a.jpg", "PREVIEW_PICTURE"),
        ({"DETAIL_PICTURE": 5, "PREVIEW_PICTURE": "/a.jpg"}, "/a.jpg", "PREVIEW_PICTURE"),
        ({"DETAIL_PICTURE": "/b.jpg", "PREVIEW_PICTURE": "/a.jpg"}, "/b.jpg", "DETAIL_PICTURE"),
        ({"ru_img_miniature": "/m.jpg"}, "/m.jpg", "ru_img_miniature"),
        ({"PROPERTIES": {"ru_img_miniature": "/m.jpg"}}, "/m.jpg", "ru_img_miniature"),
        ({"PROPERTIES": {"ru_img_miniature": ["", "/m.jpg", "/n.jpg"]}}, "/m.jpg", "ru_img_miniature"),
        ({"PROPERTIES": [{"CODE": "ru_img_miniature", "VALUE": "/m.jpg"}]}, "/m.jpg", "ru_img_miniature"),
        ({"DETAIL_PICTURE": "/b.jpg", "PROPERTIES": {"ru_img_miniature": "/m.jpg"}}, "/b.jpg", "DETAIL_PICTURE"),
        ({"DETAIL_PICTURE": "", "PARENT_PICTURE": "/p.jpg"}, "/p.jpg", "PARENT_PICTURE"),
        ({"PROPERTIES": {"ru_img_miniature": "948"}, "PARENT_PICTURE": "/p.jpg"}, "/p.jpg", "PARENT_PICTURE"),
        ({"DETAIL_PICTURE": "", "PREVIEW_PICTURE": None}, "", ""),
        ({"DETAIL_PICTURE": False, "PROPERTIES": {"ru_img_miniature": ""}}, "", ""),
    ],
)
def test_first_usable_picture_is_read_with_its_source(data, address, source):
    snapshot = read_product({"ID": 1, **data})
    assert snapshot.fields == {"image_url": address, "picture_source": source}
    assert snapshot.problems == ()


def test_unused_picture_is_kept():
    snapshot = read_product({"ID": 1, "DETAIL_PICTURE": "/b.jpg", "PREVIEW_PICTURE": "/a.jpg"})
    assert snapshot.metadata == {"fields": {"PREVIEW_PICTURE": "/a.jpg"}}
    snapshot = read_product({"ID": 1, "DETAIL_PICTURE": "948"})
    assert (snapshot.fields, snapshot.problems) == ({}, ())
    assert snapshot.metadata == {"fields": {"DETAIL_PICTURE": "948"}}


@pytest.mark.parametrize(
    ("link", "parent"),
    [("696613", 696613), (696613, 696613), (["696613"], 696613), ({"VALUE": "696613"}, 696613), ("", None)],
)
def test_product_of_an_offer_is_read(link, parent):
    snapshot = read_product({"ID": 1, "PROPERTIES": {"CML2_LINK": link}})
    assert (snapshot.fields, snapshot.metadata) == ({"bitrix_parent_id": parent}, {})
    unreadable = read_product({"ID": 1, "PROPERTIES": {"CML2_LINK": "букет"}})
    assert (unreadable.fields, unreadable.metadata) == ({}, {"properties": {"CML2_LINK": "букет"}})


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        ("javascript:alert(1)", Reason.OUT_OF_RANGE),
        ("data:image/png;base64,AAAA", Reason.OUT_OF_RANGE),
        ("/\\evil.example", Reason.OUT_OF_RANGE),
        ("https://a\" onerror='x", Reason.OUT_OF_RANGE),
        ({"a": 1}, Reason.NOT_TEXT),
        (["/a.jpg"], Reason.NOT_TEXT),
        (True, Reason.NOT_TEXT),
    ],
)
def test_unusable_picture_is_a_problem(picture, reason):
    snapshot = read_product({"ID": 1, "DETAIL_PICTURE": picture})
    assert snapshot.fields == {}
    assert snapshot.problems == (Problem("DETAIL_PICTURE", picture, reason),)
    assert snapshot.metadata == {"fields": {"DETAIL_PICTURE": picture}}


def test_product_from_rest_is_read():
    snapshot = read_product(
        {
            "id": 1,
            "name": "Роза",
            "code": "roza",
            "active": "N",
            "timestampX": "2025-09-26T14:59:39+0500",
            "property258": {"value": "test", "valueId": "9743"},
        }
    )
    assert snapshot.fields == {"name": "Роза", "slug": "roza", "is_active": False}
    assert snapshot.metadata == {"fields": {"property258": {"value": "test", "valueId": "9743"}}}


def test_invalid_properties_are_kept_with_a_problem():
    snapshot = read_product({"ID": 1, "PROPERTIES": "x"})
    assert snapshot.problems == (Problem("PROPERTIES", "x", Reason.NOT_AN_OBJECT),)
    snapshot = read_product({"ID": 1, "PROPERTIES": ["x"]})
    assert snapshot.problems == (Problem("PROPERTIES[0]", "x", Reason.NOT_AN_OBJECT),)


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("NAME", {"a": 1}, Reason.NOT_TEXT),
        ("CODE", {"a": 1}, Reason.NOT_TEXT),
        ("ACTIVE", "?", Reason.NOT_A_FLAG),
        ("QUANTITY", "много", Reason.NOT_A_NUMBER),
        ("OLD_PRICE", "дорого", Reason.NOT_A_NUMBER),
        ("PRICE", "дорого", Reason.NOT_A_NUMBER),
        ("CATALOG_PRICE_1", "дорого", Reason.NOT_A_NUMBER),
        ("TIMESTAMP_X", "вчера", Reason.NOT_A_DATE),
        ("PREVIEW_PICTURE", {"a": 1}, Reason.NOT_TEXT),
    ],
)
def test_unreadable_column_is_kept_with_a_problem(name, raw, reason):
    for spelling in (name, name.lower()):
        snapshot = read_product({"ID": 1, spelling: raw})
        assert snapshot.problems == (Problem(name, raw, reason),)
        assert snapshot.metadata == {"fields": {name: raw}}
        assert (snapshot.fields, snapshot.updated_at) == ({}, None)


def test_product_without_a_valid_id_is_refused():
    with pytest.raises(PayloadError, match=r"data\.ID is missing"):
        read_product({"NAME": "Роза"})
