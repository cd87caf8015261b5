"""Tests that docs/site-values.md names every value of the site that the code understands, and no other value."""

import csv
import re
from pathlib import Path

import pytest
from django.conf import settings

from bitrix_bridge.payloads import payment_method, read_order, translation
from orders.models import PaymentMethod, Stage
from orders.rules.payment import Standing
from orders.services import Doubt
from orders.sync.freshness import Age, StatusVerdict, Verdict

ROOT = Path(settings.BASE_DIR)
SECTIONS = {
    title: text
    for title, _, text in (
        part.partition("\n") for part in re.split(r"\n## ", (ROOT / "docs/site-values.md").read_text())
    )
}
PROFILES = ("specification", "measured")


def rows(title):
    """Return the cells of the tables of a section, without the heads."""
    lines = [line for line in SECTIONS[title].splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [number for number, cells in enumerate(found) if set(cells[0]) <= {"-"}]
    return [cells for number, cells in enumerate(found) if number not in rules and number + 1 not in rules]


def named(title):
    """Return the names in the first column of the tables of a section."""
    return [name for cells in rows(title) for name in re.findall(r"`([^`]+)`", cells[0])]


@pytest.fixture
def read_names(monkeypatch):
    """Return the names of all fields for which the readers of an order look, from the readers themselves."""
    names = set()
    for method in ("take", "peek"):
        original = getattr(translation.Fields, method)

        def recorded(self, name, *, original=original):
            names.add(name)
            return original(self, name)

        monkeypatch.setattr(translation.Fields, method, recorded)
    order = {"ID": "1", "properties": {"METHOD_PAY": ""}, "basket": [{"PRODUCT_ID": "1"}], "PAYMENTS": [{"ID": "1"}]}
    read_order({**order, "user": {"ID": "5"}}, pay_systems={})
    return names


PARTS = ("Columns of an order", "Properties", "Items", "Customer")
NOT_VALUES = {"IS_RETURN", "PAID", "PAY_SYSTEM_NAME", "SUM", "DATE_PAID", "CODE", "VALUE"}
"""Names within a payment, which the section about payments explains, and within a property."""


def test_page_names_every_field_that_is_read(read_names):
    documented = {name for title in PARTS for name in named(title)}
    assert read_names - documented - NOT_VALUES == set()
    assert documented - read_names - {"LAST_NAME"} == set()


def test_page_says_something_about_every_field():
    for title in PARTS:
        for cells in rows(title):
            assert all(cells), cells


def test_page_has_the_statuses_of_both_profiles():
    stages = "|".join(Stage.values)
    for number, profile in enumerate(PROFILES, 1):
        with (ROOT / f"orders/status_profiles/{profile}.csv").open(encoding="utf-8") as lines:
            known = {
                code: f"{row['name']}, {row['stage']}" + (", final" if row["is_final"] else "")
                for row in csv.DictReader(lines)
                for code in row["bitrix_codes"].split()
            }
        said = {cells[0].strip("`"): cells[number] for cells in rows("Statuses") if cells[number] != "–"}
        assert said == known
        assert all(re.search(rf", (?:{stages})(?:, final)?$", text) for text in said.values())


def test_page_has_every_payment_standing_and_method():
    names = named("Payment")
    methods = {method for method, _ in payment_method._METHODS}
    assert sorted(names) == sorted([*(standing.name for standing in Standing), *methods])
    assert methods <= set(PaymentMethod.values)


@pytest.mark.parametrize("method", [method for method, _ in payment_method._METHODS])
def test_words_of_the_page_name_their_method(method):
    (cells,) = (cells for cells in rows("Payment") if cells[0] == f"`{method}`")
    for word in cells[1].replace("…", "ой").split(", "):
        read = read_order({"ID": "1", "properties": {"METHOD_PAY": word}}, pay_systems={})
        assert read.fields.get("payment_method") == method, word


def test_page_has_every_case_of_the_clocks():
    text = SECTIONS["Clocks"]
    for cases in (Age, Verdict, Doubt):
        for case in cases:
            assert f"`{case.value}`" in text, case
    assert f"`{StatusVerdict.CHECK.value}`" in text
    known = {case.value for cases in (Age, Verdict, Doubt, StatusVerdict) for case in cases}
    names = {name for name in named("Clocks") if name.islower()} - {"event_id"}
    assert names <= known
    for clock in ("VERSION", "DATE_UPDATE", "DATE_STATUS", "webhook_timestamp"):
        assert f"`{clock}`" in text
