"""Count what the site's database copy contains and what the import would not understand. Nothing is imported."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext

from bitrix_bridge.history import catalogue, columns
from bitrix_bridge.history.reading import count_carts, count_lines_not_bought
from bitrix_bridge.history.source import Source
from orders.models import Stage, Status
from orders.rules.status_names import fits
from orders.selectors.pay_systems import methods_of_systems

IMPORTED_PROPERTIES = [
    "nameRecipient",
    "phoneRecipient",
    "addressRecipient",
    "postcardText",
    "data",
    "when",
    "city",
    "shopId",
    "pickup",
    "iWillGet",
    "isAnonymous",
    "anonymous",
    "isSurprise",
    "surprise",
    "doNotCall",
    "name",
    "fio",
    "phone",
    "email",
]
"""Codes of properties that are imported into columns. Other properties are kept in the order's metadata."""
_CHILDREN = ("b_sale_basket", "b_sale_order_props_value", "b_sale_order_payment", "b_sale_order_delivery")
_TYPED_TEXTS = (
    ("b_sale_order", "USER_DESCRIPTION"),
    ("b_sale_order", "COMMENTS"),
    ("b_sale_order_props_value", "VALUE"),
)
"""The columns with what people type: the postcard's text is a property."""
_FIRST_WITH_COLUMN = (
    (25, "b_iblock", "FULLTEXT_INDEX"),
    (21, "b_sale_order_props_value", "ENTITY_TYPE"),
    (20, "b_sale_order", "SEARCH_CONTENT"),
    (18, "b_sale_order", "RUNNING"),
)
"""Columns that show the version of `sale`. The number is the oldest examined version that has the column."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One line of the survey: what was counted, the number, and a note for staff."""

    what: str
    number: int
    note: str = ""


def server_version(source: Source) -> str:
    """Return the version of the MySQL server as a string, or an empty string if the server does not return it."""
    return next(iter(source.texts("SELECT VERSION()")), ("",))[0]


def site_version(source: Source) -> str:
    """Return the version of Bitrix's module `sale`, which is concluded from the columns."""
    found = next((number for number, table, column in _FIRST_WITH_COLUMN if source.has(table, column)), None)
    return gettext("sale %(number)d or later") % {"number": found} if found else gettext("sale before 18")


def tables(source: Source) -> Iterator[Counted]:
    """Count the rows of each table that the import reads. The note contains the missing columns."""
    for table, wanted in columns.READ.items():
        if not source.has(table):
            yield Counted(table, 0, gettext("missing"))
            continue
        lacking = [name for name in wanted if not source.has(table, name)]
        note = gettext("without %(columns)s") % {"columns": ", ".join(lacking)} if lacking else ""
        yield Counted(table, source.number(f"SELECT COUNT(*) FROM `{table}`"), note)  # noqa: S608


def by_status(source: Source) -> list[Counted]:
    """Count the orders of each status of the site. The note contains the status in the CRM."""
    if not source.has("b_sale_order", "STATUS_ID"):
        return []
    names = {row["id"]: row["name"] for row in catalogue.statuses(source)}
    ours = {code: row for row in Status.objects.all() for code in row.bitrix_codes}
    grouped = "GROUP BY CAST(`STATUS_ID` AS BINARY), `STATUS_ID`"
    sql = f"SELECT `STATUS_ID`, COUNT(*) FROM `b_sale_order` {grouped} ORDER BY 2 DESC"  # noqa: S608
    found = []
    for code, number in source.texts(sql):
        name = names.get(code) or ""
        found.append(Counted(f"{code} {name}".strip() or "—", int(number or 0), _status_note(ours.get(code), name)))
    return found


def _status_note(status: Status | None, name: str) -> str:
    """Return the note about a status that has this name in the database copy."""
    if status is None:
        return gettext("unknown to the CRM")
    if status.is_questioned or (name and not status.needs_attention and not fits(name, status.stage)):
        return gettext("here “%(name)s”, stage “%(stage)s”: decide on the page of the site's statuses") % {
            "name": status.name,
            "stage": Stage(status.intended_stage).label,
        }
    return gettext("not described in the CRM yet") if status.needs_attention else str(status)


def by_month(source: Source) -> list[Counted]:
    """Count the orders by the month in which they were placed."""
    if not source.has("b_sale_order", "DATE_INSERT"):
        return []
    sql = "SELECT DATE_FORMAT(`DATE_INSERT`, '%Y-%m'), COUNT(*) FROM `b_sale_order` GROUP BY 1 ORDER BY 1"
    found = []
    for text, number in source.texts(sql):
        is_date = text[:4].isdecimal() and text[5:].isdecimal() and text > "0001" and text[5:] != "00"
        words = f"{date(int(text[:4]), int(text[5:]), 1):%m.%Y}" if is_date else gettext("without a date")
        found.append(Counted(words, int(number or 0)))
    return found


def left_out(source: Source) -> list[Counted]:
    """Count the rows that the import leaves out."""
    found = [Counted(gettext("lines of carts"), count_carts(source))]
    found.append(Counted(gettext("lines that were not bought"), count_lines_not_bought(source)))
    if source.has("b_sale_order", "RUNNING"):
        number = source.number("SELECT COUNT(*) FROM `b_sale_order` WHERE `RUNNING` = 'Y'")
        found.append(Counted(gettext("orders being saved"), number))
    if source.has("b_sale_order_delivery", "SYSTEM"):
        number = source.number("SELECT COUNT(*) FROM `b_sale_order_delivery` WHERE `SYSTEM` = 'Y'")
        found.append(Counted(gettext("system shipments"), number))
    for table in _CHILDREN:
        if source.has(table, "ORDER_ID"):
            sql = (
                f"SELECT COUNT(*) FROM `{table}` AS child LEFT JOIN `b_sale_order` AS parent "  # noqa: S608
                "ON parent.`ID` = child.`ORDER_ID` WHERE child.`ORDER_ID` > 0 AND parent.`ID` IS NULL"
            )
            found.append(
                Counted(gettext("rows of %(table)s whose order is gone") % {"table": table}, source.number(sql))
            )
    return [one for one in found if one.number]


def not_understood(source: Source) -> list[Counted]:
    """Count what the import would apply only in part. The note contains the outcome."""
    found = (*_orders(source), *_references(source), *_texts(source), *_properties(source))
    return [one for one in found if one.number]


def _orders(source: Source) -> Iterator[Counted]:
    def where(condition: str) -> int:
        return source.number(f"SELECT COUNT(*) FROM `b_sale_order` WHERE {condition}")  # noqa: S608

    if source.has("b_sale_order", "ACCOUNT_NUMBER"):
        number = where("`ACCOUNT_NUMBER` IS NULL OR `ACCOUNT_NUMBER` = ''")
        yield Counted(gettext("orders without a number"), number, gettext("the id serves as the number"))
        twice = len(catalogue.repeated_numbers(source))
        yield Counted(gettext("numbers given to several orders"), twice, gettext("each keeps it"))
    if source.has("b_sale_order", "DATE_INSERT"):
        number = where("`DATE_INSERT` IS NULL OR `DATE_INSERT` < '2000-01-01'")
        yield Counted(gettext("orders without a date"), number, gettext("the date is taken from related rows"))
    if source.has("b_sale_order", "PRICE"):
        yield Counted(gettext("orders with a sum below zero"), where("`PRICE` < 0"), gettext("kept as it is"))
    yield from _unmapped_pay_systems(source)


def _unmapped_pay_systems(source: Source) -> Iterator[Counted]:
    """Count the orders of each pay system that has no payment method in the CRM."""
    if not source.has("b_sale_order", "PAY_SYSTEM_ID"):
        return
    names, methods = catalogue.pay_systems(source), methods_of_systems()
    sql = "SELECT `PAY_SYSTEM_ID`, COUNT(*) FROM `b_sale_order` WHERE `PAY_SYSTEM_ID` > 0 GROUP BY 1 ORDER BY 2 DESC, 1"
    advice = gettext("choose the payment method on the page “Pay systems”")
    for key, number in source.texts(sql):
        if not methods.get(int(key)):
            name = names.get(key)
            shown = gettext("№ %(id)s “%(name)s”") % {"id": key, "name": name} if name else f"№ {key}"
            what = gettext("orders of the pay system %(name)s without a payment method") % {"name": shown}
            yield Counted(what, int(number or 0), advice)


def _references(source: Source) -> Iterator[Counted]:
    stub = gettext("stubs are made")
    pairs: Sequence[tuple[str, str, str, str, str]] = (
        ("b_sale_order", "USER_ID", "b_user", gettext("orders whose user is not in the copy"), ""),
        ("b_sale_basket", "PRODUCT_ID", "b_iblock_element", gettext("lines whose product is not in the copy"), stub),
    )
    for child, column, parent, words, note in pairs:
        if not (source.has(child, column) and source.has(parent, "ID")):
            continue
        is_line = child == "b_sale_basket" and source.has(child, "ORDER_ID")
        carts = " AND child.`ORDER_ID` > 0" if is_line else ""
        sql = (
            f"SELECT COUNT(*) FROM `{child}` AS child LEFT JOIN `{parent}` AS parent "  # noqa: S608
            f"ON parent.`ID` = child.`{column}` WHERE child.`{column}` > 0 AND parent.`ID` IS NULL{carts}"
        )
        yield Counted(words, source.number(sql), note)


def _texts(source: Source) -> Iterator[Counted]:
    """Count the texts in columns that can't contain emoji. There, MySQL cuts a text at its first emoji."""
    for table, column in _TYPED_TEXTS:
        if source.has(table, column) and not source.keeps_emoji(table, column):
            number = source.number(f"SELECT COUNT(*) FROM `{table}` WHERE `{column}` > ''")  # noqa: S608
            words = gettext("texts in %(column)s, which can't contain emoji") % {"column": f"{table}.{column}"}
            yield Counted(words, number, gettext("emoji became “?”, or the text ends where one was: look at the site"))


def _properties(source: Source) -> Iterator[Counted]:
    table = "b_sale_order_props_value"
    if not (source.has(table, "ORDER_PROPS_ID") and source.has(table, "VALUE")):
        return
    definitions = catalogue.property_definitions(source)
    sql = "SELECT `ORDER_PROPS_ID`, COUNT(*) FROM `b_sale_order_props_value` WHERE `VALUE` <> '' GROUP BY 1"
    counts: dict[str, int] = {}
    for key, number in source.texts(sql):
        definition = definitions.get(key)
        code = (definition.get("CODE") or definition.get("NAME") or "") if definition else ""
        words = code or gettext("a property that is not described")
        if code not in IMPORTED_PROPERTIES:
            counts[words] = counts.get(words, 0) + int(number or 0)
    for code, values in sorted(counts.items(), key=lambda one: -one[1]):
        words = gettext("values of the property %(code)s") % {"code": code}
        yield Counted(words, values, gettext("kept among the other fields"))
