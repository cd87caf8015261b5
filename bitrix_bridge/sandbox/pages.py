"""The only page of the sandbox. It shows the orders as the site has stored them."""

from __future__ import annotations

from html import escape

from .reference import ORDER_STATUSES
from .values import Order

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#222}table{border-collapse:collapse}"
    "th,td{padding:.35rem .8rem;border-bottom:1px solid #ddd;text-align:left}td.n{text-align:right}"
    "div{overflow-x:auto}"
)


def orders_page(orders: list[Order], waiting: int | None) -> str:
    """Return the newest orders as an HTML page in Russian.

    `waiting` is the number of pending webhooks, or None if no webhooks are sent.
    """
    queue = "вебхуки не отправляются" if waiting is None else f"вебхуков в очереди: {waiting}"
    rows = "\n".join(_row(order) for order in orders) or '<tr><td colspan="8">Заказов пока нет</td></tr>'
    return f"""<!DOCTYPE html>
<html lang="ru">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>Учебный сайт</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Учебный сайт вместо Bitrix</h1>
<p>Последние заказы такими, какими их видит сам сайт; {escape(queue)}. Все люди и телефоны выдуманы.</p>
<div>
<table>
<thead><tr><th>Заказ</th><th>Статус</th><th>Версия</th><th>Получатель</th><th>Сумма, ₸</th>
<th>Оплачен</th><th>Отменён</th><th>Изменён</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</body>
</html>
"""


def _row(order: Order) -> str:
    status = order["STATUS_ID"]
    cells = [
        f'<td><a href="/orders/{escape(order["ID"])}">{escape(order["ACCOUNT_NUMBER"])}</a></td>',
        f"<td>{escape(status)} — {escape(ORDER_STATUSES.get(status, '?'))}</td>",
        f'<td class="n">{escape(order["VERSION"])}</td>',
        f"<td>{escape(str(order['properties'].get('nameRecipient', '')))}</td>",
        f'<td class="n">{float(order["PRICE"]):,.0f}</td>'.replace(",", "\N{NO-BREAK SPACE}"),
        f"<td>{'да' if order['PAYED'] == 'Y' else 'нет'}</td>",
        f"<td>{'да' if order['CANCELED'] == 'Y' else 'нет'}</td>",
        f"<td>{escape(order['DATE_UPDATE'])}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"
