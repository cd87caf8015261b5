"""Orders and their payments as CommerceML 2.10, in which Bitrix and 1C exchange orders.

The elements and their sequence are those of 1C's schema of CommerceML 2.10: a program may read them strictly. An order
is a document of the kind “Заказ товара”, and its payments are subordinate documents. Names and requisites are those
that Bitrix sends. Each document is written when it is complete, so memory does not grow with their number.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import IO
from xml.etree.ElementTree import Element, SubElement, tostring

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


def write_commerceml(
    documents: Iterable[Document], file: IO[bytes], *, now: datetime, on_progress: Callable[[int], None]
) -> int:
    """Write the orders, and return their number. `now` is stored as the time of the file."""
    made_at = timezone.localtime(now).strftime("%Y-%m-%dT%H:%M:%S")
    root = f'<КоммерческаяИнформация xmlns="{NAMESPACE}" ВерсияСхемы="{VERSION}" ДатаФормирования="{made_at}">'
    file.write(f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'.encode())
    count = 0
    for count, document in enumerate(documents, start=1):
        file.write(tostring(order_element(document), encoding="unicode").encode() + b"\n")
        on_progress(count)
    file.write("</КоммерческаяИнформация>\n".encode())
    return count


def order_element(order: Document) -> Element:
    """Return the document of an order with its payments."""
    found = Element("Документ")
    _head(found, order.site_id or order.key, order.number, order.created_at)
    _add(found, "ХозОперация", "Заказ товара")
    _add(found, "Роль", "Продавец")
    _sum(found, order.currency, _total(order))
    _person(found, order.person)
    _add(found, "Время", f"{order.created_at:%H:%M:%S}")
    if order.comment:
        _add(found, "Комментарий", order.comment, COMMENT)
    if order.discount:
        discount = SubElement(SubElement(found, "Скидки"), "Скидка")
        _add(discount, "Наименование", "Скидка на заказ")
        _add(discount, "Сумма", _number(order.discount))
        _add(discount, "УчтеноВСумме", "true")
    if order.lines:
        goods = SubElement(found, "Товары")
        for line in order.lines:
            _line(goods, line)
    _requisites(found, _facts(order))
    if order.payments:
        payments = SubElement(found, "ПодчиненныеДокументы")
        for payment in order.payments:
            _payment(payments, payment, order)
    return found


def _head(parent: Element, key: object, number: str, moment: datetime) -> None:
    _add(parent, "Ид", str(key), KEY)
    _add(parent, "Номер", number, NAME)
    _add(parent, "Дата", f"{moment:%Y-%m-%d}")


def _sum(parent: Element, currency: str, amount: Decimal) -> None:
    _add(parent, "Валюта", currency)
    # The rate of another currency is not known here.
    _add(parent, "Курс", "1" if currency == KZT else "")
    _add(parent, "Сумма", _number(amount))


def _total(order: Document) -> Decimal:
    """Return the sum of the order. If it is unknown, return the sum of its lines (`_facts` says so)."""
    if order.total is not None:
        return order.total
    return sum((line.amount for line in order.lines if line.amount is not None), Decimal(0))


def _person(parent: Element, person: Person) -> None:
    one = SubElement(SubElement(parent, "Контрагенты"), "Контрагент")
    _add(one, "Ид", str(person.key), KEY)
    _add(one, "Наименование", person.name or _NAMELESS, NAME)
    _add(one, "ПолноеНаименование", person.name or _NAMELESS, NAME)
    contacts = [("Телефон мобильный", person.phone), ("Почта", person.email)]
    if known := [pair for pair in contacts if pair[1]]:
        found = SubElement(one, "Контакты")
        for kind, value in known:
            contact = SubElement(found, "Контакт")
            _add(contact, "Тип", kind)
            _add(contact, "Значение", value, NAME)
    _add(one, "Роль", _NAMELESS)


def _line(parent: Element, line: Line) -> None:
    one = SubElement(parent, "Товар")
    if key := _clean(line.site_key).strip():
        _add(one, "Ид", key, PRODUCT_KEY)
    _add(one, "Наименование", line.name, NAME)
    unit = SubElement(
        one, "БазоваяЕдиница", {"Код": "796", "НаименованиеПолное": "Штука", "МеждународноеСокращение": "PCE"}
    )
    unit.text = PIECE
    kind = "Услуга" if line.is_service else "Товар"
    _requisites(one, [("ВидНоменклатуры", kind), ("ТипНоменклатуры", kind)])
    for name, value in (("ЦенаЗаЕдиницу", line.price), ("Количество", line.quantity), ("Сумма", line.amount)):
        if value is not None:
            _add(one, name, f"{value.normalize():f}" if name == "Количество" else _number(value))


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
    return [fact for fact in facts if fact[1]]


def _payment(parent: Element, payment: PaidSum, order: Document) -> None:
    one = SubElement(parent, "ПодчиненныйДокумент")
    _head(one, payment.key, str(payment.key), payment.paid_at)
    is_known = payment.method in PaymentMethod.values and payment.method != PaymentMethod.CERTIFICATE
    operation = _OPERATIONS[payment.method == PaymentMethod.CASH, payment.is_refund] if is_known else _OTHER
    _add(one, "ХозОперация", operation)
    _add(one, "Роль", "Продавец")
    _sum(one, order.currency, payment.amount)
    _person(one, order.person)
    _add(one, "Время", f"{payment.paid_at:%H:%M:%S}")
    if payment.reason:
        _add(one, "Комментарий", payment.reason, COMMENT)
    facts = [
        ("Номер заказа", order.number),
        ("Метод оплаты", payment.method_label),
        ("Признак возврата", _flag(payment.is_refund)),
    ]
    _requisites(one, [fact for fact in facts if fact[1]])


def _requisites(parent: Element, facts: Iterable[tuple[str, str]]) -> None:
    found = SubElement(parent, "ЗначенияРеквизитов")
    for name, value in facts:
        one = SubElement(found, "ЗначениеРеквизита")
        _add(one, "Наименование", name)
        _add(one, "Значение", value, VALUE)


def _add(parent: Element, name: str, text: str, limit: int = NAME) -> None:
    clean = _clean(text)
    SubElement(parent, name).text = clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)


def _number(value: Decimal) -> str:
    return f"{value:.2f}"


def _flag(value: bool) -> str:
    return "true" if value else "false"
