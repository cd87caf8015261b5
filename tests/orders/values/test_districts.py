"""Tests of the district in an address."""

import pytest

from orders.values.districts import DISTRICT_LENGTH, district_of


@pytest.mark.parametrize(
    ("address", "district"),
    [
        ("", ""),
        ("ул. Абая 150, кв. 25", ""),
        ("мкр. Самал-2, дом 5", "мкр. Самал-2"),
        ("МИКРОРАЙОН  самал 2, 7", "мкр. Самал-2"),
        ("м-н Аксай-3А, 12", "мкр. Аксай-3а"),
        ("Алматы, ЖК «Нурлы», 3", "ЖК Нурлы"),
        ("жилой комплекс нурлы", "ЖК Нурлы"),
        ("БОСТАНДЫКСКИЙ р-н, Жандосова 1", "Бостандыкский район"),
        ("Ауэзовский район\nул. 1", "Ауэзовский район"),
    ],
)
def test_district_is_written_in_one_way(address, district):
    assert district_of(address) == district


def test_district_fits_its_column():
    assert len(district_of(f"мкр {'ы' * 500} {'1' * 50}")) <= DISTRICT_LENGTH
