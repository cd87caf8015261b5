"""Orders and their payments as CommerceML 2.10, in which Bitrix and 1C exchange orders.

The elements and their sequence are those of 1C's schema of CommerceML 2.10: a program may read them strictly. An order
is a document of the kind “Заказ товара”, and its payments are subordinate documents. Names and requisites are those
that Bitrix sends. Each document is written when it is complete, so memory does not grow with their number.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import IO

from django.utils import timezone

from orders.export.accounting.documents import PIECE, Document, Line, PaidSum, Person
from orders.models import PaymentMethod
from orders.rules.payment import KZT

CONTENT_TYPE = "application/xml"
VERSION = "2.10"
NAMESPACE = "urn:1C.ru:commerceml_2"
NAME, VALUE, COMMENT, KEY, PRODUCT_KEY = 255, 1000, 3000, 40, 80
"""The lengths that the schema allows, in characters."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 can't contain, not even as references."""
_OPERATIONS = {
    (True, False): "Выплата наличных денег",
    (True, True): "Возврат наличных денег",
    (False, False): "Выплата безналичных денег",
    (False, True): "Возврат безналичных денег",
}
"""The kinds of documents of payments: whether it is cash, and whether it was given back."""
_OTHER = "Прочие"
"""The kind of a payment by certificate, or by an unknown method."""
_NAMELESS = "Покупатель"
_UNIT = f'<БазоваяЕдиница Код="796" НаименованиеПолное="Штука" МеждународноеСокращение="PCE">{PIECE}</БазоваяЕдиница>'
_METHODS = frozenset(PaymentMethod.values)


def write_commerceml(
    documents: Iterable[Document], file: IO[bytes], *, now: datetime, on_progress: Callable[[int], None]
) -> int:
    """Write the orders, and return their number. `now` is stored as the time of the file."""
    made_at = timezone.localtime(now).strftime("%Y-%m-%dT%H:%M:%S")
    root = f'<КоммерческаяИнформация xmlns="{NAMESPACE}" ВерсияСхемы="{VERSION}" ДатаФормирования="{made_at}">'
    file.write(f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'.encode())
    count = 0
    for count, document in enumerate(documents, start=1):
        file.write(f"{order_xml(document)}\n".encode())
        on_progress(count)
    file.write("</КоммерческаяИнформация>\n".encode())
    return count


def order_xml(order: Document) -> str:
    """Return the document of an order with its payments as XML."""
    person = _person(order.person)
    return _element(
        "Документ",
        _head(order.site_id or order.key, order.number, order.created_at),
        _text("ХозОперация", "Заказ товара"),
        _text("Роль", "Продавец"),
        _sum(order.currency, _total(order)),
        person,
        _text("Время", f"{order.created_at:%H:%M:%S}"),
        _text("Комментарий", order.comment, COMMENT) if order.comment else "",
        _discount(order.discount) if order.discount else "",
        _element("Товары", *map(_line, order.lines)) if order.lines else "",
        _requisites(_facts(order)),
        _element("ПодчиненныеДокументы", *(_payment(one, order, person) for one in order.payments))
        if order.payments
        else "",
    )


def _head(key: object, number: str, moment: datetime) -> str:
    return _text("Ид", str(key), KEY) + _text("Номер", number) + _text("Дата", f"{moment:%Y-%m-%d}")


def _sum(currency: str, amount: Decimal) -> str:
    # The rate of another currency is not known here.
    rate = "1" if currency == KZT else ""
    return _text("Валюта", currency) + _text("Курс", rate) + _text("Сумма", _number(amount))


def _total(order: Document) -> Decimal:
    """Return the sum of the order. If it is unknown, return the sum of its lines (`_facts` says so)."""
    if order.total is not None:
        return order.total
    return sum((line.amount for line in order.lines if line.amount is not None), Decimal(0))


def _discount(amount: Decimal) -> str:
    parts = _text("Наименование", "Скидка на заказ"), _text("Сумма", _number(amount)), _text("УчтеноВСумме", "true")
    return _element("Скидки", _element("Скидка", *parts))


def _person(person: Person) -> str:
    name = person.name or _NAMELESS
    contacts = [("Телефон мобильный", person.phone), ("Почта", person.email)]
    known = [_element("Контакт", _text("Тип", kind), _text("Значение", value)) for kind, value in contacts if value]
    one = _element(
        "Контрагент",
        _text("Ид", str(person.key), KEY),
        _text("Наименование", name),
        _text("ПолноеНаименование", name),
        _element("Контакты", *known) if known else "",
        _text("Роль", "Покупатель"),
    )
    return _element("Контрагенты", one)


def _line(line: Line) -> str:
    kind = "Услуга" if line.is_service else "Товар"
    key = _clean(line.site_key).strip()
    return _element(
        "Товар",
        _text("Ид", key, PRODUCT_KEY) if key else "",
        _text("Наименование", line.name),
        _UNIT,
        _requisites([("ВидНоменклатуры", kind), ("ТипНоменклатуры", kind)]),
        _text("ЦенаЗаЕдиницу", _number(line.price)) if line.price is not None else "",
        _text("Количество", f"{line.quantity.normalize():f}") if line.quantity is not None else "",
        _text("Сумма", _number(line.amount)) if line.amount is not None else "",
    )


def _facts(order: Document) -> list[tuple[str, str]]:
    facts = [
        ("Способ доставки", "Самовывоз" if order.is_pickup else "Доставка"),
        ("Метод оплаты", order.method),
        ("Заказ оплачен", _flag(order.is_paid)),
        ("Отменен", _flag(order.is_cancelled)),
        ("Финальный статус", _flag(order.is_final)),
        ("Статус заказа", f"[{order.status_code}] {order.status_name}"),
        ("Статуса заказа ИД", order.status_code),
        ("Адрес доставки", order.address),
        ("Дата доставки", f"{order.delivery_date:%d.%m.%Y}" if order.delivery_date else ""),
        ("Магазин", order.shop),
        ("Сумма неизвестна", "true" if order.total is None else ""),
    ]
    if order.is_paid and order.payments:
        facts.insert(0, ("Дата оплаты", f"{max(one.paid_at for one in order.payments):%d.%m.%Y %H:%M:%S}"))
    return facts


def _payment(payment: PaidSum, order: Document, person: str) -> str:
    is_known = payment.method in _METHODS and payment.method != PaymentMethod.CERTIFICATE
    operation = _OPERATIONS[payment.method == PaymentMethod.CASH, payment.is_refund] if is_known else _OTHER
    facts = [
        ("Номер заказа", order.number),
        ("Метод оплаты", payment.method_label),
        ("Признак возврата", _flag(payment.is_refund)),
    ]
    return _element(
        "ПодчиненныйДокумент",
        _head(payment.key, str(payment.key), payment.paid_at),
        _text("ХозОперация", operation),
        _text("Роль", "Продавец"),
        _sum(order.currency, payment.amount),
        person,
        _text("Время", f"{payment.paid_at:%H:%M:%S}"),
        _text("Комментарий", payment.reason, COMMENT) if payment.reason else "",
        _requisites(facts),
    )


def _requisites(facts: Iterable[tuple[str, str]]) -> str:
    found = (
        _element("ЗначениеРеквизита", _text("Наименование", name), _text("Значение", value, VALUE))
        for name, value in facts
        if value
    )
    return _element("ЗначенияРеквизитов", *found)


def _element(name: str, *children: str) -> str:
    return f"<{name}>{''.join(children)}</{name}>"


def _text(name: str, text: str, limit: int = NAME) -> str:
    clean = _clean(text)
    return f"<{name}>{escape(clean if len(clean) <= limit else f'{clean[: limit - 1]}…', quote=False)}</{name}>"


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)


def _number(value: Decimal) -> str:
    return f"{value:.2f}"


def _flag(value: bool) -> str:
    return "true" if value else "false"
