"""Tests of the export as CommerceML.

1C publishes its schema of CommerceML 2.10 without a licence to copy it. So `ORDER` and the other tables repeat what the
schema says about the elements that the export uses: their sequence, and which of them are required. `TYPES` repeats the
types of their texts.
"""

import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cvety_crm.roles import ACCOUNTANT, MANAGER
from orders.exceptions import NotAllowedError
from orders.export.accounting.commerceml import NAMESPACE, order_xml
from orders.export.accounting.documents import Document, Line, PaidSum, Person
from orders.models import Order
from tests.orders.export.accounted import almaty, make_orders, written
from tests.roles import everything_but, person

_DOCUMENT = ("Ид! Номер! Дата! ХозОперация! Роль! Валюта! Курс! Сумма! Контрагенты! Время СрокПлатежа Комментарий "
             "Налоги Скидки ДопРасходы Склады Товары ЗначенияРеквизитов Подписанты")  # fmt: skip
CHILDREN = {
    "Документ": f"{_DOCUMENT} ПодчиненныеДокументы",
    "ПодчиненныйДокумент": _DOCUMENT,
    "Контрагенты": "Контрагент*",
    "Контрагент": "Ид Наименование ПолноеНаименование! Фамилия Имя Отчество ИНН КПП АдресРегистрации Комментарий Адрес "
                  "Контакты Представители Роль!",
    "Контакты": "Контакт*",
    "Контакт": "Тип! Значение! Комментарий",
    "Скидки": "Скидка*",
    "Скидка": "Наименование! Сумма! Процент УчтеноВСумме Комментарий",
    "Товары": "Товар*",
    "Товар": "Ид Штрихкод Артикул Наименование! БазоваяЕдиница! Описание ЗначенияСвойств СтавкиНалогов "
             "ЗначенияРеквизитов ИдКаталога ЦенаЗаЕдиницу Количество Сумма Единица Коэффициент Налоги Скидки",
    "ЗначенияРеквизитов": "ЗначениеРеквизита*",
    "ЗначениеРеквизита": "Наименование! Значение!",
    "ПодчиненныеДокументы": "ПодчиненныйДокумент*",
}  # fmt: skip
"""The children of each element in the sequence of the schema. `!` is required once, `*` at least once."""
TYPES = {
    "Дата": re.compile(r"\d{4}-\d\d-\d\d"),
    "Время": re.compile(r"\d\d:\d\d:\d\d"),
    "Сумма": re.compile(r"-?\d{1,16}\.\d\d"),
    "ЦенаЗаЕдиницу": re.compile(r"-?\d{1,16}\.\d\d"),
    "Количество": re.compile(r"-?\d+(\.\d+)?"),
    "Валюта": re.compile(r".{3}"),
    "УчтеноВСумме": re.compile("true|false"),
    "Роль": re.compile("Продавец|Покупатель|Плательщик|Получатель"),
    "Тип": re.compile("Телефон (внутренний|рабочий|мобильный|домашний)|Почта|Прочее"),
    "ХозОперация": re.compile(
        "Заказ товара|(Выплата|Возврат) (без)?наличных денег|Прочие|Отпуск товара|Возврат товара"
    ),
    "Комментарий": re.compile(r"(?s).{0,3000}"),
    "Значение": re.compile(r"(?s).{0,1000}"),
}
TEXT = re.compile(r"(?s).{0,255}")
KEYS = {"Документ": 40, "ПодчиненныйДокумент": 40, "Контрагент": 40, "Товар": 80}


def problems(element):
    """Yield what the schema does not allow in a document."""
    children = [child.tag for child in element]
    if element.tag not in CHILDREN:
        if children:
            yield f"{element.tag} has children"
        pattern = TYPES.get(element.tag, TEXT)
        if not pattern.fullmatch(element.text or ""):
            yield f"{element.tag}: {element.text!r}"
        return
    allowed = CHILDREN[element.tag].split()
    if allowed[0].endswith("*"):
        if not children or set(children) != {allowed[0][:-1]}:
            yield f"{element.tag}: {children}"
    else:
        names = [name.rstrip("!") for name in allowed]
        if children != [name for name in names if name in children]:
            yield f"{element.tag} has the sequence {children}"
        yield from (f"{element.tag} needs {one}" for one in allowed if one.endswith("!") and one[:-1] not in children)
    key = element.find("Ид")
    if key is not None and not 1 <= len(key.text) <= KEYS[element.tag]:
        yield f"{element.tag} has the key {key.text!r}"
    for child in element:
        yield from problems(child)


def parsed(data):
    root = ElementTree.fromstring(data)
    assert root.tag == f"{{{NAMESPACE}}}КоммерческаяИнформация"
    for element in root.iter():
        assert element.tag.startswith(f"{{{NAMESPACE}}}")
        element.tag = element.tag.rpartition("}")[2]
    return root


def requisites(element):
    found = element.find("ЗначенияРеквизитов")
    return {one.findtext("Наименование"): one.findtext("Значение") for one in found}


@pytest.fixture
def shop(db):
    user = person(ACCOUNTANT, "buh")
    return make_orders(user)


@pytest.fixture
def root(shop, manager):
    return parsed(written(manager, "commerceml")[0])


def test_file_follows_the_schema(root):
    assert root.get("ВерсияСхемы") == "2.10"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", root.get("ДатаФормирования"))
    assert {child.tag for child in root} == {"Документ"}
    assert [problem for document in root for problem in problems(document)] == []


def test_order_is_a_document_with_its_sums_and_requisites(root):
    order = next(one for one in root if one.findtext("Номер") == "122183")

    head = [order.findtext(name) for name in ("Ид", "Дата", "Время", "ХозОперация", "Роль", "Валюта", "Курс", "Сумма")]
    assert head == ["122183", "2026-11-29", "23:30:05", "Заказ товара", "Продавец", "KZT", "1", "17000.50"]
    customer = order.find("Контрагенты/Контрагент")
    assert customer.findtext("ПолноеНаименование") == "Айгерим & Ко <ТОО>"
    assert [one.findtext("Значение") for one in customer.find("Контакты")] == ["+77771234567", "a@example.kz"]
    assert order.findtext("Комментарий") == "без лилий,  аллергия"
    assert order.findtext("Скидки/Скидка/Сумма") == "700.00"
    assert requisites(order) == {
        "Дата оплаты": "30.11.2026 11:00:00",
        "Способ доставки": "Доставка",
        "Метод оплаты": "Kaspi",
        "Заказ оплачен": "true",
        "Отменен": "false",
        "Финальный статус": "false",
        "Статус заказа": f"[{requisites(order)['Статуса заказа ИД']}] Выполнен",
        "Статуса заказа ИД": requisites(order)["Статуса заказа ИД"],
        "Адрес доставки": "ул. Абая 150, звонить +7 701 555-44-33",
        "Дата доставки": "30.11.2026",
        "Магазин": "CVETYKZ",
    }


def test_lines_are_the_items_and_the_delivery(root):
    order = next(one for one in root if one.findtext("Номер") == "122183")

    lines = [
        [line.findtext(name) for name in ("Ид", "Наименование", "ЦенаЗаЕдиницу", "Количество", "Сумма")]
        + [requisites(line)["ТипНоменклатуры"]]
        for line in order.find("Товары")
    ]
    assert lines == [
        ["910e89e5#42", "=Букет «Стандарт»", "6200.20", "2.5", "15500.50", "Товар"],
        ["6", "Открытка", None, "1", None, "Товар"],
        ["ORDER_DELIVERY", "Доставка заказа", "1500.00", "1", "1500.00", "Услуга"],
    ]


def test_payments_are_subordinate_documents_by_method_and_direction(root):
    order = next(one for one in root if one.findtext("Номер") == "122183")

    payments = [
        [one.findtext(name) for name in ("ХозОперация", "Дата", "Время", "Сумма")] + [requisites(one)["Номер заказа"]]
        for one in order.find("ПодчиненныеДокументы")
    ]
    assert payments == [
        ["Выплата безналичных денег", "2026-11-30", "09:00:00", "20000.50", "122183"],
        ["Возврат наличных денег", "2026-11-30", "10:00:00", "3000.00", "122183"],
        ["Прочие", "2026-11-30", "11:00:00", "10.00", "122183"],
    ]


def test_unknown_sum_is_that_of_the_lines_and_marked(root):
    order = next(one for one in root if one.findtext("Номер") == "122184")

    assert order.findtext("Сумма") == "50.00"
    assert requisites(order)["Сумма неизвестна"] == "true"
    assert order.find("ПодчиненныеДокументы") is None


def test_cancelled_order_in_another_currency_has_no_rate(root):
    order = next(one for one in root if one.findtext("Номер") == "122185")

    assert requisites(order)["Отменен"] == "true"
    assert (order.findtext("Валюта"), order.findtext("Курс")) == ("USD", "")


def test_phones_are_left_out_for_a_reader_who_may_not_see_them(shop):
    data, count = written(person(ACCOUNTANT), "commerceml")

    assert count == 3
    assert b"5554433" not in data.replace(b"-", b"").replace(b" ", b"")
    assert b"77771234567" not in data
    assert "Телефон" not in data.decode()


def test_export_needs_the_permissions_to_export_and_to_see_all_sums(shop):
    assert written(person(MANAGER), "commerceml")[1] == 3
    for missing in ("view_all_prices", "export_order"):
        with pytest.raises(NotAllowedError):
            written(everything_but(missing), "commerceml")


def test_number_of_queries_does_not_depend_on_the_number_of_orders(shop, manager, django_assert_max_num_queries):
    for number in range(20):
        Order.objects.create(order_number=str(number), status_id="new")

    with django_assert_max_num_queries(25):
        assert written(manager, "commerceml")[1] == 23


texts = st.text(st.characters(codec="utf-16", exclude_categories=[]), max_size=300) | st.text(max_size=4000)
amounts = st.none() | st.decimals(0, 10**10, places=2)
people = st.builds(Person, st.uuids(), texts, texts, texts)
lines = st.builds(Line, texts, texts, st.none(), st.booleans(), amounts, amounts, amounts)
payments = st.builds(PaidSum, st.uuids(), st.just(almaty(2026, 1, 1)), st.decimals("0.01", 10**10, places=2),
                     st.booleans(), st.sampled_from(["", "cash", "kaspi", "?"]), texts, texts)  # fmt: skip
documents = st.builds(
    Document,
    key=st.uuids(),
    site_id=st.none() | st.integers(1, 2**60),
    number=texts,
    created_at=st.just(timezone.localtime(almaty(2026, 1, 1)).replace(tzinfo=None)),
    delivery_date=st.none(),
    address=texts,
    comment=texts,
    person=people,
    status_code=texts,
    status_name=texts,
    method=texts,
    shop=texts,
    currency=st.just("KZT"),
    total=amounts,
    delivery_fee=amounts,
    discount=amounts,
    paid=amounts,
    lines=st.lists(lines, max_size=3).map(tuple),
    payments=st.lists(payments, max_size=3).map(tuple),
)


@given(documents)
def test_any_texts_make_a_document_that_can_be_parsed_and_follows_the_schema(document):
    element = ElementTree.fromstring(order_xml(document))

    assert list(problems(element)) == []
    assert Decimal(element.findtext("Сумма")) >= 0
