"""Tests of the city of an order whose site has an order property of the type LOCATION."""

import pytest
from django.core.management import call_command

from bitrix_bridge.history.locations import Place, read_places
from bitrix_bridge.history.source import Source, address
from bitrix_bridge.models import ImportRow
from orders.models import City, Order
from orders.values.cities import same_name
from tests.bitrix_bridge.history.reference import PAY_METHODS
from tests.bitrix_bridge.history.tables import Schema
from tests.bitrix_bridge.history.test_import import imported

pytestmark = pytest.mark.django_db
only_new = pytest.mark.parametrize("schema", [Schema.NEW])

TYPES = {1: "COUNTRY", 2: "REGION", 3: "CITY", 4: "VILLAGE", 5: "STREET"}
TREE = {
    # The code, the id of the parent, the type and the name of each location, by id.
    500: ("0000000500", 0, 1, "Казахстан"),
    501: ("0000000501", 500, 2, "Алматинская область"),
    502: ("0000000502", 500, 3, "Алматы"),
    503: ("0000000503", 501, 3, "Талгар"),
    504: ("0000000504", 501, 4, "Бесагаш"),
    505: ("0000000505", 502, 5, "проспект Абая"),
    506: ("0000000506", 505, None, "дом 10"),
    507: ("0000000507", 999, 5, "улица без города"),
}
LOCATION_ID = 70


@pytest.fixture
def place_copy(site_copy, settings):
    """Add locations, and a property of the type LOCATION that no order has yet. Return the copy."""
    settings.BITRIX_MYSQL_URL = site_copy.url("reader")
    settings.BITRIX_PAY_SYSTEMS = PAY_METHODS
    site_copy.insert("b_sale_loc_type", [{"ID": key, "CODE": code} for key, code in TYPES.items()])
    site_copy.insert(
        "b_sale_location",
        [
            {"ID": key, "CODE": code, "PARENT_ID": parent, "TYPE_ID": kind}
            for key, (code, parent, kind, _) in TREE.items()
        ],
    )
    names = [(key, "ru", name) for key, (*_, name) in TREE.items()] + [(502, "en", "Almaty")]
    site_copy.insert(
        "b_sale_loc_name",
        [
            {"LOCATION_ID": key, "LANGUAGE_ID": language, "NAME": name, "NAME_UPPER": name.upper()}
            for key, language, name in names
        ],
    )
    definition = {"ID": LOCATION_ID, "PERSON_TYPE_ID": 1, "NAME": "Местоположение", "TYPE": "LOCATION"}
    definition |= {"CODE": "LOCATION", "PROPS_GROUP_ID": 1, "IS_LOCATION": "Y", "ENTITY_TYPE": "ORDER"}
    columns = {row[0] for row in site_copy.execute("SHOW COLUMNS FROM b_sale_order_props")}
    site_copy.insert("b_sale_order_props", [{name: value for name, value in definition.items() if name in columns}])
    return site_copy


def set_location(copy, order_id, value, *, city=None):
    """Store a location in an order, and replace the value of its property `city`, or delete it."""
    if city is None:
        copy.execute("DELETE FROM b_sale_order_props_value WHERE ORDER_ID = %s AND CODE = 'city'", [order_id])
    else:
        sql = "UPDATE b_sale_order_props_value SET VALUE = %s WHERE ORDER_ID = %s AND CODE = 'city'"
        copy.execute(sql, [city, order_id])
    row = {"ORDER_ID": order_id, "ORDER_PROPS_ID": LOCATION_ID, "NAME": "Местоположение", "VALUE": value}
    row |= {"CODE": "LOCATION", "ENTITY_ID": order_id, "ENTITY_TYPE": "ORDER"}
    columns = {line[0] for line in copy.execute("SHOW COLUMNS FROM b_sale_order_props_value")}
    copy.insert("b_sale_order_props_value", [{name: one for name, one in row.items() if name in columns}])


def reasons(bitrix_order_id):
    return ImportRow.objects.get(bitrix_order_id=bitrix_order_id).reasons


def test_location_gives_the_city_of_an_order_without_a_city(place_copy):
    set_location(place_copy, 122101, "0000000502")
    set_location(place_copy, 122103, "0000000506", city="")  # a house in a street of the city
    set_location(place_copy, 122104, "502")  # old sites store the id
    set_location(place_copy, 122106, "0000000502", city="3")  # the property `city` decides
    with Source.configured() as source:
        run = imported(source, count=6)
    assert run.failed == 0
    cities = dict(Order.objects.values_list("bitrix_order_id", "city_id"))
    assert {key: cities[key] for key in (122101, 122103, 122104, 122106)} == {
        122101: 2,
        122103: 2,
        122104: 2,
        122106: 3,
    }
    assert reasons(122101) == reasons(122103) == []
    assert Order.objects.get(bitrix_order_id=122101).metadata["properties"]["LOCATION"] == "0000000502"


@only_new
@pytest.mark.parametrize(
    ("value", "subject"),
    [
        ("0000000503", "Талгар"),
        ("0000000501", "0000000501"),
        ("0000000507", "0000000507"),
        ("0000099999", "0000099999"),
        ("Нетград", "Нетград"),
    ],
)
def test_location_without_a_known_city_is_reported(place_copy, value, subject):
    set_location(place_copy, 122101, value)
    with Source.configured() as source:
        imported(source, order_ids=(122101,))
    assert Order.objects.get().city_id is None
    assert reasons(122101) == [{"code": "unknown_location", "subject": subject}]


@only_new
def test_name_in_place_of_the_code_gives_the_city(place_copy):
    set_location(place_copy, 122101, "г. Алматы")
    with Source.configured() as source:
        imported(source, order_ids=(122101,))
    assert Order.objects.get().city.name == "Алматы"
    assert reasons(122101) == []


@only_new
def test_city_is_created_if_the_site_has_no_property_of_cities(place_copy):
    """The id of the location is its id. A city that the CRM knows by its name is used."""
    set_location(place_copy, 122101, "0000000503")
    set_location(place_copy, 122103, "0000000505")
    place_copy.execute("DELETE FROM b_sale_order_props WHERE CODE = 'city'")
    place_copy.execute("DELETE FROM b_sale_order_props_value WHERE CODE = 'city'")
    known = City.objects.filter(name="Алматы").values_list("bitrix_id", flat=True).first()
    with Source.configured() as source:
        imported(source, count=3)
        assert imported(source, count=3).unchanged == 3
    cities = dict(Order.objects.values_list("bitrix_order_id", "city__name"))
    assert cities == {122101: "Талгар", 122102: None, 122103: "Алматы"}
    assert City.objects.get(name="Талгар").bitrix_id == 503
    assert not City.objects.get(name="Талгар").needs_attention
    assert City.objects.get(name="Алматы").bitrix_id == (known or 502)
    assert reasons_of_all() == []


def reasons_of_all():
    rows = ImportRow.objects.values_list("reasons", flat=True)
    return [reason for row in rows for reason in row if reason["code"].endswith(("city", "location"))]


@only_new
def test_number_of_queries_does_not_depend_on_the_number_of_locations(place_copy):
    queries = []

    class Counting(Source):
        def query(self, sql, values=()):
            queries.append(sql)
            return super().query(sql, values)

    with Counting(address(place_copy.url("reader"))) as source:
        queries.clear()
        assert read_places(source, ["0000000506"]) == {"0000000506": Place(502, "Алматы")}
        few = len(queries)
        queries.clear()
        found = read_places(source, [code for code, *_ in TREE.values()])
        assert len(queries) <= few
    assert {code[-3:]: place and place.name for code, place in found.items()} == {
        "500": None,
        "501": None,
        "502": "Алматы",
        "503": "Талгар",
        "504": "Бесагаш",
        "505": "Алматы",
        "506": "Алматы",
        "507": None,
    }


@only_new
def test_copy_without_types_of_locations_takes_the_location_itself(place_copy):
    place_copy.execute("DROP TABLE b_sale_loc_type")
    with Source(address(place_copy.url("reader"))) as source:
        assert read_places(source, ["0000000504"]) == {"0000000504": Place(504, "Бесагаш")}
    place_copy.execute("DROP TABLE b_sale_loc_name")
    with Source(address(place_copy.url("reader"))) as source:
        assert read_places(source, ["0000000504"]) == {"0000000504": None}


@only_new
def test_tree_with_a_loop_is_read(place_copy):
    place_copy.execute("UPDATE b_sale_location SET PARENT_ID = 507 WHERE ID = 507")
    with Source(address(place_copy.url("reader"))) as source:
        assert read_places(source, ["0000000507"]) == {"0000000507": None}


@pytest.mark.parametrize("name", ["Алматы", "алматы", " г. Алматы ", "г.Алматы", "Город  Алматы"])
def test_spellings_of_a_city_are_the_same_name(name):
    assert same_name(name) == "алматы"


@only_new
def test_check_source_counts_the_tables_of_locations(place_copy, capsys):
    call_command("check_source")
    assert "b_sale_location" in capsys.readouterr().out
