"""Tests of `import_bitrix_orders --show`, which prints one order and stores nothing."""

import pytest
from django.core.management import CommandError, call_command

from orders.models import Order
from tests.bitrix_bridge.history.site_archive import archive_order
from tests.bitrix_bridge.history.tables import Schema
from tests.bitrix_bridge.history.test_import import imported, whole_database

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("schema", [Schema.NEW])]


@pytest.fixture
def show(source, capsys):
    """Return a function that shows one order, checks that nothing was stored, and returns the lines by title."""

    def run(order_id):
        before = whole_database()
        call_command("import_bitrix_orders", "--show", str(order_id), no_color=True)
        assert whole_database() == before
        *lines, last = capsys.readouterr().out.splitlines()
        assert last == "Ничего не изменилось."
        parts: dict[str, list[str]] = {}
        title = ""
        for line in lines:
            if line.startswith("  "):
                parts[title].append(line.strip())
            else:
                title = line
                parts[title] = []
        return parts

    return run


def test_rows_reasons_and_stored_values_of_an_order_are_printed(show):
    parts = show(122127)
    assert list(parts) == [
        *("b_sale_order", "b_sale_basket", "b_sale_basket_props", "b_sale_order_props_value", "b_sale_order_payment"),
        *("b_sale_order_delivery", "b_sale_order_change", "b_user", "Итог переноса", "Причины", "Что будет записано"),
        *("Состав", "Клиент", "Остальные поля", "История"),
    ]
    assert len(parts["b_sale_basket"]) == 4
    assert parts["b_sale_order"][0].startswith("ID=122127 · ")
    assert "ACCOUNT_NUMBER=122127" in parts["b_sale_order"][0]
    assert "DATE_INSERT=2025-08-1" in parts["b_sale_order"][0]
    assert parts["Итог переноса"] == ["создан"]
    assert "позиция отложена или недоступна для покупки: Ваза стеклянная — позиция не переносится" in parts["Причины"]
    assert parts["Состав"] == ["Букет по фото клиента · 1 × 19900", "Открытка · 1 × 500"]
    assert "Статус: Завершён" in parts["Что будет записано"]
    assert "Город: Алматы" in parts["Что будет записано"]
    assert any("Статус: Новый → Принят" in line for line in parts["История"])


def test_phones_and_secrets_are_not_printed(show, site_copy, settings, capsys):
    settings.BITRIX_API_TOKEN = "made-up-secret-token"
    site_copy.execute(
        "UPDATE b_sale_order SET COMMENTS = %s, USER_DESCRIPTION = %s WHERE ID = 122101",
        ["Звонить 8 (701) 765-40-00", "made-up-secret-token \x1b[2J"],
    )
    text = "\n".join(line for lines in show(122101).values() for line in lines)
    digits = "".join(char for char in text if char.isdigit() or char.isspace())
    for phone in ("7017654000", "77012345001", "7012345001"):
        assert phone not in digits.replace(" ", "")
    assert "made-up-secret-token" not in text
    assert "\x1b" not in text
    assert "•••" in text
    assert "no password" not in text


def test_order_that_is_skipped_or_unchanged_is_shown(show, source):
    assert show(122155)["Итог переноса"] == ["пропущен"]
    imported(source, order_ids=(122101,))
    parts = show(122101)
    assert parts["Итог переноса"] == ["без изменений"]
    assert "ничего" in parts["Причины"]


def test_archived_order_is_shown(show, site_copy):
    archive_order(site_copy, 122101)
    parts = show(122101)
    assert next(iter(parts)) == "b_sale_order_archive"
    assert "заказ в архиве сайта — будет отмечен как архивный" in parts["Причины"]


def test_unknown_order_is_an_error(show):
    with pytest.raises(CommandError, match="122999"):
        show(122999)


@pytest.mark.parametrize("options", [["--dry-run"], ["--count", "3"], ["--order", "122102"], ["--resume"]])
def test_other_options_are_refused(source, options):
    with pytest.raises(CommandError, match="--show"):
        call_command("import_bitrix_orders", "--show", "122101", *options)
    assert not Order.objects.exists()


def test_account_that_may_write_is_refused(source, site_copy, settings):
    settings.BITRIX_MYSQL_URL = site_copy.url("writer")
    with pytest.raises(CommandError, match="ALL PRIVILEGES"):
        call_command("import_bitrix_orders", "--show", "122101")
