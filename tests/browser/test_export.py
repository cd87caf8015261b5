"""Test of an export in a browser: the columns of a report are chosen, and its file has the values of the page."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from openpyxl import load_workbook
from playwright.sync_api import expect

from orders.models import Order

pytestmark = [pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def size():
    return "desktop"


def test_file_of_a_report_has_the_values_of_its_page(screen, tmp_path):
    today = timezone.localdate()
    for number in range(6):
        Order.objects.create(
            order_number=str(700 + number),
            status_id="completed",
            delivery_date=today - timedelta(days=number // 3),
            total_amount=Decimal(15000 + 700 * number),
        )
    first = today - timedelta(days=1)
    page = screen.open(f"/crm/reports/sales/?from={first}&to={today}")
    table = page.get_by_role("region", name="Таблица").locator("tr")
    shown = [row.locator("th, td").all_inner_texts() for row in table.all()]
    page.get_by_role("link", name="Выгрузить…").click()
    screen.check()
    page.get_by_role("checkbox", name="Возвраты", exact=True).uncheck()
    page.get_by_role("button", name="Сумма: выше", exact=True).press("Enter")
    expect(page.locator(".crm-export-columns li").nth(1)).to_contain_text("Сумма")
    with page.expect_download() as download:
        page.get_by_role("button", name="Выгрузить", exact=True).click()
    path = tmp_path / "report.xlsx"
    download.value.save_as(path)
    assert re.fullmatch(r"otchet-sales-.+\.xlsx", download.value.suggested_filename)

    sheet, details = load_workbook(path).worksheets
    head, *rows = list(sheet.iter_rows(values_only=True))
    assert head[:3] == ("Строка", "Сумма", "Заказы")
    assert "Возвраты" not in head
    assert len(rows) == len(shown) - 1 == 3
    for row, cells in zip(rows, shown[1:], strict=True):
        by_name = dict(zip(shown[0], cells, strict=True))
        assert row[0] == cells[0].strip()
        for name, value in zip(head[1:], row[1:], strict=True):
            digits = re.sub(r"[^0-9]", "", by_name[str(name)])
            assert value is None or Decimal(str(value)) == int(digits)
    assert ("Период", f"{first:%d.%m.%Y} – {today:%d.%m.%Y}") in list(details.iter_rows(values_only=True))
    screen.check("/crm/orders/exportrun/")
