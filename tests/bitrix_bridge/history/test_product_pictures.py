"""Tests of the pictures of products in the copy of the site's database."""

import pytest

from bitrix_bridge.history.catalogue import read_products
from bitrix_bridge.history.source import Source
from tests.bitrix_bridge.history.reference import CATALOGUE
from tests.bitrix_bridge.history.tables import Schema

pytestmark = pytest.mark.parametrize("schema", [Schema.NEW])
PARENT, OFFER, MINIATURE = 696613, 696614, 696620
LINK_ID, MINIATURE_ID = 801, 802


@pytest.fixture
def copy(site_copy, settings):
    """Add the properties of offers and miniatures, which no product has yet, and return the copy."""
    settings.BITRIX_MYSQL_URL = site_copy.url("reader")
    site_copy.insert(
        "b_iblock_property",
        [
            {"ID": LINK_ID, "IBLOCK_ID": CATALOGUE, "NAME": "Товар", "CODE": "CML2_LINK", "PROPERTY_TYPE": "E"},
            {"ID": MINIATURE_ID, "IBLOCK_ID": CATALOGUE, "NAME": "Фото", "CODE": "ru_img_miniature"}
            | {"PROPERTY_TYPE": "S"},
        ],
    )
    return site_copy


def set_property(copy, key, element, value):
    copy.insert(
        "b_iblock_element_property", [{"IBLOCK_PROPERTY_ID": key, "IBLOCK_ELEMENT_ID": element, "VALUE": value}]
    )


def without_pictures(copy, *keys):
    for key in keys:
        copy.execute(f"UPDATE b_iblock_element SET DETAIL_PICTURE = NULL WHERE ID = {key}")


def pictures(*keys):
    with Source.configured() as source:
        found = {snapshot.bitrix_product_id: snapshot.fields for snapshot in read_products(source, keys)}
    return [(found[key].get("image_url"), found[key].get("picture_source")) for key in keys]


def test_detail_picture_has_the_path_of_its_file(copy):
    set_property(copy, MINIATURE_ID, PARENT, "/upload/mini.jpg")
    assert pictures(PARENT) == [("/upload/iblock/613/696613.jpg", "DETAIL_PICTURE")]


def test_file_in_a_cloud_storage_has_no_path(copy):
    copy.execute(f"UPDATE b_file SET HANDLER_ID = '2' WHERE ID = {PARENT - 690000}")
    assert pictures(PARENT) == [(None, None)]


@pytest.mark.parametrize(("kind", "value"), [("S", "/upload/mini.jpg"), ("F", str(PARENT - 690000))])
def test_miniature_is_read_if_there_is_no_other_picture(copy, kind, value):
    copy.execute(f"UPDATE b_iblock_property SET PROPERTY_TYPE = '{kind}' WHERE ID = {MINIATURE_ID}")
    without_pictures(copy, MINIATURE)
    set_property(copy, MINIATURE_ID, MINIATURE, value)
    path = "/upload/mini.jpg" if kind == "S" else "/upload/iblock/613/696613.jpg"
    assert pictures(MINIATURE) == [(path, "ru_img_miniature")]


def test_offer_without_a_picture_has_that_of_its_product(copy):
    without_pictures(copy, OFFER)
    set_property(copy, LINK_ID, OFFER, str(PARENT))
    expected = ("/upload/iblock/613/696613.jpg", "PARENT_PICTURE")
    assert pictures(OFFER) == [expected]
    without_pictures(copy, PARENT)
    set_property(copy, MINIATURE_ID, PARENT, "/upload/mini.jpg")
    assert pictures(OFFER) == [("/upload/mini.jpg", "PARENT_PICTURE")]


def test_offer_with_a_picture_keeps_it(copy):
    set_property(copy, LINK_ID, OFFER, str(PARENT))
    assert pictures(OFFER) == [("/upload/iblock/614/696614.jpg", "DETAIL_PICTURE")]


def test_properties_in_a_table_of_the_infoblock_are_read(copy):
    table = f"b_iblock_element_prop_s{CATALOGUE}"
    copy.execute(f"CREATE TABLE {table} (IBLOCK_ELEMENT_ID int, PROPERTY_{LINK_ID} int, PROPERTY_{MINIATURE_ID} text)")
    copy.execute(f"GRANT SELECT ON {table} TO reader")
    copy.execute(f"INSERT INTO {table} VALUES ({OFFER}, {PARENT}, NULL), ({MINIATURE}, NULL, '/upload/mini.jpg')")
    without_pictures(copy, OFFER, MINIATURE)
    assert pictures(OFFER, MINIATURE) == [
        ("/upload/iblock/613/696613.jpg", "PARENT_PICTURE"),
        ("/upload/mini.jpg", "ru_img_miniature"),
    ]


def test_pictures_need_no_tables_of_properties(copy):
    copy.execute("DROP TABLE b_iblock_property")
    assert pictures(PARENT) == [("/upload/iblock/613/696613.jpg", "DETAIL_PICTURE")]
