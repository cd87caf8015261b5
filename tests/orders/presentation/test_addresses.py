"""Tests of the split of an address into the district and the rest."""

import pytest

from orders.presentation.addresses import split_address


@pytest.mark.parametrize(
    ("address", "district", "rest"),
    [
        ("ул. Абая 150, кв 25", "", "ул. Абая 150, кв 25"),
        ("мкр Самал-2, д. 33, кв 25", "мкр Самал-2", "д. 33, кв 25"),
        ("Алматы, мкр. Аксай 4, дом 10", "мкр. Аксай 4", "Алматы, дом 10"),
        ("ул. Розыбакиева 247, ЖК «Мега», подъезд 2", "ЖК «Мега»", "ул. Розыбакиева 247, подъезд 2"),
        ("Бостандыкский район, ул. Тимирязева 42", "Бостандыкский район", "ул. Тимирязева 42"),
        ("  ", "", ""),
    ],
)
def test_split_address_returns_district_and_rest(address, district, rest):
    assert split_address(address) == (district, rest)
