"""Tests of the reading of addresses: the district, the building and the city."""

import pytest

from orders.models import City, Order
from orders.presentation.addresses import building, split_address, unbroken, with_city
from orders.values.districts import LONGEST


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("Медеуский р-н, Абая 1", "Медеуский р\u2011н, Абая 1"),
        ("Мкр-н Самал-2, б-р Мира, кв-л 5", "Мкр\u2011н Самал-2, б\u2011р Мира, кв\u2011л 5"),
        ("пр-т Достык 5-нова, бр-нет", "пр\u2011т Достык 5-нова, бр-нет"),
    ],
)
def test_short_words_stay_on_one_line(address, shown):
    assert unbroken(address) == shown


@pytest.mark.parametrize(
    ("address", "district", "rest"),
    [
        ("ул. Абая 150, кв 25", "", "ул. Абая 150, кв 25"),
        ("мкр Самал-2, д. 33, кв 25", "мкр Самал-2", "д. 33, кв 25"),
        ("Алматы, мкр. Аксай 4, дом 10", "мкр. Аксай 4", "Алматы, дом 10"),
        ("ул. Розыбакиева 247, ЖК «Мега», подъезд 2", "ЖК «Мега»", "ул. Розыбакиева 247, подъезд 2"),
        ("Бостандыкский район, ул. Тимирязева 42", "Бостандыкский район", "ул. Тимирязева 42"),
        ("Алматы, Наурызбайский  р-н, Абая 1", "Наурызбайский р-н", "Алматы, Абая 1"),
        ("ул. Абая 1, (мкр 5)", "мкр 5", "ул. Абая 1, (, )"),
        ("мкр Кок-Тобе 2 12", "мкр Кок-Тобе 2", "12"),
        ("Русский сад, район вокзала", "", "Русский сад, район вокзала"),
        ("  ", "", ""),
    ],
)
def test_split_address_returns_district_and_rest(address, district, rest):
    assert split_address(address) == (district, rest)


def test_district_after_longest_address_is_not_searched():
    assert split_address("а" * LONGEST + " мкр Самал-2") == ("", "а" * LONGEST + " мкр Самал-2")
    assert split_address("мкр Самал-2, " + "а" * LONGEST) == ("мкр Самал-2", "а" * LONGEST)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("Абая 10" + "," * 9_900 + "кв 5", "Абая 10"),
        ("Абая 10, кв 5" + "(" * 9_900, "Абая 10"),
        ("Абая " + "б" * 9_900 + ", кв 5", "Абая " + "б" * (LONGEST - 5)),
        ("Абая 10" + " " * 9_900 + "кв 5", "Абая 10"),
        ("Абая 10, 12345 этаж", "Абая 10"),
        ("Абая 10, 5-й этаж", "Абая 10"),
        ("Абая 10, 5 - ый подъезд", "Абая 10"),
        ("Абая 10, кв. № 5", "Абая 10"),
        ("Абая 10, офис", "Абая 10"),
        ("Абая 10, этажерка", "Абая 10, этажерка"),
    ],
)
def test_building_of_long_or_unusual_address(address, expected):
    assert building(address) == expected


@pytest.mark.parametrize(
    ("address", "city", "expected"),
    [
        ("Абая 1", "Алматы", "Алматы, Абая 1"),
        ("г. АЛМАТЫ, Абая 1", "Алматы", "г. АЛМАТЫ, Абая 1"),
        ("Алматыгаз 1", "Алматы", "Алматы, Алматыгаз 1"),
        ("Абая 1", "A.B (C", "A.B (C, Абая 1"),
        ("A.B (C, Абая 1", "A.B (C", "A.B (C, Абая 1"),
        ("а" * LONGEST + " Алматы", "Алматы", "Алматы, " + "а" * LONGEST + " Алматы"),
        ("", "Алматы", ""),
        ("Абая 1", None, "Абая 1"),
    ],
)
def test_city_is_added_unless_beginning_of_address_names_it(address, city, expected):
    order = Order(city=City(bitrix_id=1, name=city) if city else None)
    assert with_city(order, address) == expected
