"""Orders for which the import must report reasons. Each order lists the expected reasons."""

from tests.bitrix_bridge.history.reference import php
from tests.bitrix_bridge.history.site_order import Line, Odd, Payment

UNKNOWN_PRODUCT = 5121  # This product was deleted from the catalogue. Three orders contain it.
REPEATED_NUMBER = "122141"
REPEATED_NUMBER_IDS = (122141, 122142)

# The text has 600 characters. Both versions of the column cut it inside a word.
LONG_POSTCARD = ("Дорогая мама, поздравляю тебя с днём рождения и желаю здоровья, радости и долгих лет! " * 8)[:600]
LONG_COMMENT = "Клиент просил перезвонить за час до доставки, домофон не работает, код ворот у консьержа. " * 8


def misread(text: str, encoding: str) -> str:
    """Return a text as it looks when its UTF-8 bytes are decoded in a one-byte encoding.

    A byte that the encoding does not define is kept, as in MySQL.
    """
    return "".join(bytes([byte]).decode(encoding, "replace").replace("�", chr(byte)) for byte in text.encode())


def gone(price: int = 11900) -> Line:
    """Return an item whose product is no longer in the catalogue."""
    return Line(UNKNOWN_PRODUCT, name="Букет «Осень»", price=str(price))


REPORTED_ORDERS = [
    Odd(
        122125,
        "placed without an account: USER_ID is 0",
        {"no_user"},
        customer=0,
        properties={"name": "Жанна", "phone": "+7 701 345 51 25"},
    ),
    Odd(
        122126,
        "its user was deleted",
        {"unknown_user"},
        customer=7777,
        properties={"name": "Арман", "phone": "+7 702 345 51 26"},
    ),
    Odd(
        122127,
        "a line typed by hand, without a product, and two lines that were not bought",
        {"no_product", "not_bought"},
        lines=(
            Line(0, name="Букет по фото клиента", price="19900"),
            Line(696630),
            Line(696631, set_aside=True),
            Line(0, name="Открытка «Спасибо»", price="-300", not_for_sale=True),
        ),
    ),
    Odd(122128, "a deleted product", {"unknown_product"}, lines=(gone(), Line(696630)), system_shipment=True),
    Odd(
        122129,
        "a deleted product, and a line without a product",
        {"unknown_product", "no_product"},
        lines=(gone(), Line(0, name="Доплата", price="1000")),
    ),
    Odd(
        122130,
        "a deleted product and a deleted pay system",
        {"unknown_product", "unknown_pay_system"},
        lines=(gone(12900),),
        payments=(Payment(99, paid=True),),
    ),
    Odd(122131, "an order without lines", {"no_lines"}, status="CN", lines=()),
    Odd(122132, "a status that the site does not have", {"unknown_status"}, status="ZZ"),
    Odd(122133, "a status that only the site knows", {"unknown_status"}, status="UN", system_shipment=True),
    Odd(122134, "a city that neither side knows", {"unknown_city"}, status="CO", properties={"city": "999"}),
    Odd(122135, "a shop that neither side knows", {"unknown_shop"}, status="PD", properties={"shopId": "99999"}),
    Odd(122136, "a delivery slot that neither side knows", {"unknown_slot"}, status="AP", properties={"when": "77"}),
    Odd(122137, "a zero date of the order", {"zero_date"}, columns={"DATE_INSERT": "0000-00-00 00:00:00"}),
    Odd(122138, "a zero date of the delivery", {"zero_date"}, properties={"data": "0000-00-00"}, system_shipment=True),
    Odd(122139, "its number is empty", {"no_number"}, columns={"ACCOUNT_NUMBER": ""}),
    Odd(122140, "its number is NULL", {"no_number"}, columns={"ACCOUNT_NUMBER": None}),
    Odd(122141, "another order has its number", {"repeated_number"}, columns={"ACCOUNT_NUMBER": REPEATED_NUMBER}),
    Odd(122142, "it has another order's number", {"repeated_number"}, columns={"ACCOUNT_NUMBER": REPEATED_NUMBER}),
    Odd(122143, "a negative price", {"negative_amount", "unreadable"}, status="RF", columns={"PRICE": "-500.0000"}),
    Odd(122144, "a line with a negative price", {"negative_amount"}, lines=(Line(696613), Line(696630, price="-500"))),
    Odd(
        122145, "a phone without digits", {"unreadable"}, status="DE", properties={"phoneRecipient": "спросить у Лены"}
    ),
    Odd(
        122146,
        "a date that is a text",
        {"unreadable"},
        status="P",
        properties={"data": "после обеда"},
        system_shipment=True,
    ),
    Odd(
        122147,
        "UTF-8 that was read as cp1252 and stored again",
        {"repaired_on_site"},
        lines=(Line(696613, name=misread("Букет из роз", "cp1252")),),
        properties={"postcardText": misread("С любовью, твой Серик", "cp1252")},
    ),
    Odd(
        122148,
        "UTF-8 that was read as cp1251 and stored again",
        {"repaired_on_site"},
        lines=(Line(696613, name=misread("Букет", "cp1251")),),
        properties={"nameRecipient": misread("Елена Смирнова", "cp1251")},
    ),
    Odd(
        122149,
        "letters that were lost and cannot be repaired",
        {"broken_on_site"},
        properties={"postcardText": "Поздравля\ufffd\ufffd с праздником"},
    ),
    Odd(
        122150,
        "an emoji that the site's old connection lost",
        {"lost_on_site"},
        properties={"postcardText": "С днём рождения ????"},
    ),
    Odd(122151, "a postcard longer than its column", {"cut_text"}, properties={"postcardText": LONG_POSTCARD}),
    Odd(122152, "a value whose property was deleted", {"orphan_property"}, undefined={999: "Собрала Айгуль"}),
    Odd(
        122153,
        "several values, cut in the middle",
        {"broken_value"},
        properties={"requests": php(["Без лилий", "Позвонить за час", "Белая лента"])[:60]},
    ),
    Odd(
        122154,
        "history that is cut at the end of its column",
        {"broken_change"},
        status="CN",
        columns={
            "CANCELED": "Y",
            "DATE_CANCELED": "2025-08-17 18:38:00",
            "EMP_CANCELED_ID": 16,
            "REASON_CANCELED": "Клиент просил отменить",
        },
        changes=(
            ("ORDER_CANCELED", php({"CANCELED": "Y", "REASON_CANCELED": LONG_COMMENT}), 16),
            ("ORDER_COMMENTED", php({"COMMENTS": LONG_COMMENT}), 16),
            ("ORDER_UPDATE_ERROR", php({"ERROR": [LONG_COMMENT[:128]] * 5}), 0),
        ),
    ),
]
