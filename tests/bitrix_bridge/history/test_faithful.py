"""Tests of how the import decides whether the copy of the site's database, or the site itself, has broken letters."""

import pytest
from django.core.management import call_command

from bitrix_bridge.history.catalogue import is_faithful
from bitrix_bridge.history.report import grouped_reasons, lines
from bitrix_bridge.history.source import Source, address
from tests.bitrix_bridge.history.tables import Schema
from tests.bitrix_bridge.history.test_import import imported

pytestmark = pytest.mark.django_db
only_new = pytest.mark.parametrize("schema", [Schema.NEW])
TEXTS = (("b_sale_status_lang", "NAME"), ("b_sale_order_props", "NAME"), ("b_sale_order_props_value", "VALUE"))


def break_letters(copy):
    """Store each text as a copy that was made in the encoding cp1251 stores it."""
    for table, column in TEXTS:
        copy.execute(f"UPDATE `{table}` SET `{column}` = CONVERT(CAST(`{column}` AS BINARY) USING cp1251)")


def test_copy_with_a_few_broken_texts_is_faithful(source):
    assert is_faithful(source)


@only_new
def test_copy_without_texts_is_not_faithful(site_copy):
    for table, _ in TEXTS:
        site_copy.execute(f"DROP TABLE `{table}`")
    with Source(address(site_copy.url("reader"))) as source:
        assert not is_faithful(source)


@only_new
@pytest.mark.parametrize("is_copy_broken", [False, True])
def test_advice_is_to_copy_again_only_if_the_copy_is_broken(source, site_copy, is_copy_broken):
    if is_copy_broken:
        break_letters(site_copy)
    run = imported(source)
    codes = {"repaired_text", "broken_text"} if is_copy_broken else {"repaired_on_site", "broken_on_site"}
    found = [line for line in lines(grouped_reasons(run)) if line.code in ("broken_text", "broken_on_site", *codes)]
    assert {str(line.code) for line in found} == codes
    assert all(("mysqldump" in line.advice) == is_copy_broken for line in found)


def test_check_source_names_columns_that_cannot_contain_emoji(source, schema, capsys):
    call_command("check_source")
    said = capsys.readouterr().out
    assert ("тексты в b_sale_order_props_value.VALUE, где эмодзи не хранятся" in said) == (schema is Schema.OLD)


@only_new
@pytest.mark.parametrize("is_copy_broken", [False, True])
def test_advice_on_lost_emoji_depends_on_where_they_were_lost(source, site_copy, is_copy_broken):
    if is_copy_broken:
        break_letters(site_copy)
    site_copy.execute("UPDATE `b_sale_order` SET `COMMENTS` = 'Love ????' WHERE `ID` = 122101")
    found = [line for line in lines(grouped_reasons(imported(source))) if line.code.startswith("lost_")]
    assert found
    assert all(("mysqldump" in line.advice) == is_copy_broken for line in found)
    assert all(("перевести таблицы сайта на utf8mb4" in line.advice) != is_copy_broken for line in found)
