"""Orders for which the import reports no reason, although some of them look odd."""

from decimal import Decimal

from tests.bitrix_bridge.history.reference import INACTIVE_PRODUCT, php
from tests.bitrix_bridge.history.site_order import Line, Odd, Payment

ORDINARY_ORDERS = [
    Odd(122101, "nothing at all", system_shipment=True),
    Odd(
        122102,
        "an order of a company, whose properties have other ids",
        person_type=2,
        customer=5011,
        payments=(Payment(5, paid=True),),
    ),
    Odd(122103, "a date in the Russian format", properties={"data": "12.08.2025"}),
    Odd(122104, "an order that is not accepted yet", status="N", system_shipment=True),
    Odd(
        122105,
        "returned; the payment is noted on the order, as in old versions",
        status="RD",
        columns={"COMMENTS": "Вернули: получатель уехал"},
        changes=(("ORDER_PAYED", php({"PAYED": "Y"}), 16),),
    ),
    Odd(122106, "for another city and its shop", properties={"city": "3", "shopId": "17009"}),
    Odd(122107, "a product that is no longer sold", lines=(Line(INACTIVE_PRODUCT),), system_shipment=True),
    Odd(122108, "several extras, serialized by PHP", status="CO", properties={"extras": php(["2", "5"])}),
    Odd(122109, "several extras, in the form of old sites", properties={"extras": "2,5"}),
    Odd(
        122110,
        "a shipment with its own address, of the warehouse",
        shipment_address="Склад, пр. Райымбека, 1",
        system_shipment=True,
    ),
    Odd(
        122111,
        "names escaped with htmlspecialchars",
        lines=(Line(696642), Line(696613, name="Букет &quot;Стандарт&quot; &amp; открытка")),
        properties={"nameRecipient": "Кафе &quot;Весна&quot;, Анна"},
    ),
    Odd(
        122112,
        "emoji and lines in the postcard",
        expected_in_old={"lost_on_site"},
        properties={"postcardText": "С днём рождения! 🌹\r\nТвои 👩‍👧\r\n"},
    ),
    Odd(
        122113,
        "Kazakh letters everywhere",
        customer=5010,
        properties={
            "nameRecipient": "Гүлнұр Әбдіқадырқызы",
            "addressRecipient": "Алматы қ., Қабанбай батыр к-сі, 12-үй",
            "postcardText": "Туған күніңізбен! Өмір жасыңыз ұзақ болсын, әже.",
        },
        columns={"USER_DESCRIPTION": "Қоңырау шалмаңыз"},
    ),
    Odd(
        122114,
        "two phones in one field",
        status="PD",
        properties={"phoneRecipient": "+7 701 765 41 14, 8 707 765 42 14"},
    ),
    Odd(122115, "the phone is the customer's login", customer=5007, properties={"phone": None}),
    Odd(122116, "the phone is in the customer's profile", customer=5008, properties={"phone": None}),
    Odd(
        122117,
        "a guest whose phone is only in the order",
        customer=5009,
        properties={"phone": "8 (701) 345-51-17", "name": "Наталья"},
        system_shipment=True,
    ),
    Odd(
        122118,
        "a set with its parts",
        lines=(
            Line(696640, is_set=True),
            Line(696620, part_of_set=True),
            Line(696642, part_of_set=True),
            Line(696630),
        ),
    ),
    Odd(
        122119,
        "cancelled, with a reason",
        status="CN",
        columns={
            "CANCELED": "Y",
            "DATE_CANCELED": "2025-08-13 15:10:00",
            "EMP_CANCELED_ID": 15,
            "REASON_CANCELED": "Клиент передумал",
        },
        changes=(("ORDER_CANCELED", php({"CANCELED": "Y", "REASON_CANCELED": "Клиент передумал"}), 15),),
    ),
    Odd(
        122120,
        "paid in two parts",
        lines=(Line(696625),),
        payments=(Payment(3, paid=True, sum=Decimal(20000)), Payment(2, paid=True, sum=Decimal(12500))),
        columns={"SUM_PAID": 32500},
    ),
    Odd(122121, "pickup by the customer", properties={"pickup": "Y", "addressRecipient": ""}, system_shipment=True),
    Odd(122122, "created in the CRM", columns={"XML_ID": "crm-6f1c2f0a-6f0e-4a39-9c55-0d6d5c1b7a11", "CREATED_BY": 1}),
    Odd(
        122123,
        "parts of a tenge, and a third of a bouquet",
        lines=(Line(696613, price="1234.5678"), Line(696641, quantity=0.1 + 0.2)),
    ),
    Odd(
        122124,
        "the pay system is only in the payment",
        payments=(Payment(4, paid=True),),
        columns={"PAY_SYSTEM_ID": None},
    ),
]
