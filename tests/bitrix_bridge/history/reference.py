"""The statuses, properties, users, products and shops to which the orders of the week refer.

Each row is a dictionary, and the rows are grouped by table. A column that a row does not name gets the default of its
table.
"""

import phpserialize

Row = dict[str, object]
Rows = dict[str, list[Row]]

BEFORE = "2024-05-20 10:00:00"  # the time at which these rows were created

CATALOGUE, SHOPS, REVIEWS = 21, 30, 12  # ids of infoblocks

STATUSES = {
    # The code of each status, with its Russian and its English name.
    "N": ("Новый", "New"),
    "AP": ("Принят", "Accepted"),
    "P": ("В обработке", "Processing"),
    "PD": ("Доставляется", "Out for delivery"),
    "CO": ("Выполнен", "Completed"),
    "RD": ("Возврат", "Returned"),
    "DE": ("Отклонён", "Declined"),
    "F": ("Завершён", "Finished"),
    "RF": ("Деньги возвращены", "Refunded"),
    "CN": ("Отменён", "Cancelled"),
    "UN": ("Нереализован", "Unrealised"),  # The CRM does not know this status.
}
SHIPMENT_STATUSES = {"DN": ("Ожидает обработки", "Waiting"), "DF": ("Отгружен", "Shipped")}

PERSON_TYPES = {1: "Физическое лицо", 2: "Юридическое лицо"}

# The properties of an order: code, name, type, and whether a property may have several values. Each payer type has its
# own set of properties.
PROPERTIES = (
    ("name", "Имя заказчика", "STRING", "N"),
    ("phone", "Телефон заказчика", "STRING", "N"),
    ("email", "E-mail", "STRING", "N"),
    ("city", "Город", "ENUM", "N"),
    ("when", "Время доставки", "ENUM", "N"),
    ("data", "Дата доставки", "STRING", "N"),
    ("shopId", "Магазин", "STRING", "N"),
    ("nameRecipient", "Имя получателя", "STRING", "N"),
    ("phoneRecipient", "Телефон получателя", "STRING", "N"),
    ("addressRecipient", "Адрес получателя", "STRING", "N"),
    ("postcardText", "Текст открытки", "STRING", "N"),
    ("pickup", "Самовывоз", "Y/N", "N"),
    ("extras", "Дополнительно", "ENUM", "Y"),
    ("requests", "Пожелания", "STRING", "Y"),
)
VARIANTS = {
    "city": {"2": "Алматы", "3": "Астана"},
    "when": {str(10 + hour - 7): f"{hour:02}:00-{hour + 1:02}:00" for hour in range(9, 22)},
    "extras": {"2": "Открытка", "5": "Воздушный шар", "7": "Ваза"},
}
# A shipment property that has the same code as an order property. It exists since version 21.
SHIPMENT_PROPERTY_ID = 60


def property_id(code: str, person_type: int = 1) -> int:
    """Return the id of an order property: from 1 to 14 for private customers, from 101 to 114 for companies."""
    return [known for known, *_ in PROPERTIES].index(code) + 1 + 100 * (person_type - 1)


PROPERTY_NAMES = {code: name for code, name, *_ in PROPERTIES}

EMPLOYEES = {1: ("Админ", "Сайта"), 15: ("Айгуль", "Сейткали"), 16: ("Марина", "Ким")}

# The name, surname, e-mail, phone, mobile phone, and phone for the login of each customer, by id.
CUSTOMERS: dict[int, tuple[str, str, str, str | None, str | None, str | None]] = {
    5001: ("Анна", "Петрова", "anna.petrova@example.kz", "+77012345001", None, "+77012345001"),
    5002: ("Ерлан", "Абдрахманов", "erlan@example.kz", "8 (702) 345-50-02", None, None),
    5003: ("Ольга", "Цой", "olga.tsoy@example.kz", "+7 705 345 50 03", None, None),
    5004: ("Тимур", "Нурланов", "timur@example.kz", "87073455004", None, "+77073455004"),
    5005: ("Светлана", "Ли", "svetlana.li@example.kz", "+7 (747) 345-50-05", "+7 701 345 50 05", None),
    5006: ("Дмитрий", "Волков", "d.volkov@example.kz", "7713455006", None, "+77713455006"),
    5007: ("Мадина", "Оспанова", "noemail@cvety.kz", None, None, "+77753455007"),
    5008: ("Руслан", "Ибраев", "ruslan@example.kz", None, "8 777 345 50 08", None),
    5009: ("Гость", "", "noemail@cvety.kz", None, None, None),
    5010: ("Әсем", "Қуанышқызы", "asem@example.kz", "+7 701 345 50 10", None, None),
    5011: ("ТОО «Байтерек»", "", "office@baiterek.example.kz", "+7 (727) 250-50-11", None, None),
}

PAY_SYSTEMS = {2: "Наличные курьеру", 3: "Банковская карта", 4: "Kaspi", 5: "Счёт для организаций"}
PAY_METHODS = {2: "cash", 3: "card", 4: "kaspi", 5: "transfer"}  # the value of BITRIX_PAY_SYSTEMS for this site
DELIVERIES = {2: "Доставка курьером", 3: "Самовывоз"}

# The name and the price in KZT of each product, by id.
PRODUCTS = {
    696613: ("Букет «Стандарт»", 15000),
    696614: ("Букет «Нежность»", 18500),
    696620: ("25 красных роз", 22500),
    696625: ("Пионы в шляпной коробке", 31000),
    696630: ("Открытка", 500),
    696631: ("Ваза стеклянная", 6500),
    696640: ("Набор «Праздник»", 27000),
    696641: ("Роза поштучно", 900),
    696642: ("Шоколад &quot;Рахат&quot;", 2500),
    696650: ("Букет «Весна» (снят с продажи)", 12000),
}
INACTIVE_PRODUCT = 696650
SITE_SHOPS = {17008: "CVETYKZ", 17009: "CVETYKZ Астана"}


def reference_rows() -> Rows:
    """Return the rows of all tables with reference data."""
    return _sale_rows() | _property_rows() | _people_rows() | _infoblock_rows()


def _sale_rows() -> Rows:
    statuses = [(code, "O", names) for code, names in STATUSES.items()]
    statuses += [(code, "D", names) for code, names in SHIPMENT_STATUSES.items()]
    return {
        "b_sale_status": [
            {"ID": code, "TYPE": kind, "SORT": 100 + 10 * place, "NOTIFY": "N"}
            for place, (code, kind, _) in enumerate(statuses)
        ],
        "b_sale_status_lang": [
            {"STATUS_ID": code, "LID": language, "NAME": name}
            for code, _, names in statuses
            for language, name in zip(("ru", "en"), names, strict=True)
        ],
        "b_sale_person_type": [{"ID": key, "LID": "s1", "NAME": name} for key, name in PERSON_TYPES.items()],
        "b_sale_delivery_srv": [
            {"ID": key, "NAME": name, "ACTIVE": "Y", "SORT": 100, "CURRENCY": "KZT"}
            | {"CLASS_NAME": "\\Bitrix\\Sale\\Delivery\\Services\\Configurable"}
            for key, name in DELIVERIES.items()
        ],
        "b_sale_pay_system_action": [
            {"ID": key, "PAY_SYSTEM_ID": key, "NAME": name, "PSA_NAME": name, "IS_CASH": "Y" if key == 2 else "N"}
            for key, name in PAY_SYSTEMS.items()
        ],
    }


def _property_rows() -> Rows:
    definitions: list[Row] = []
    variants: list[Row] = []
    for person_type in PERSON_TYPES:
        for code, name, kind, multiple in PROPERTIES:
            key = property_id(code, person_type)
            definitions.append(
                {"ID": key, "PERSON_TYPE_ID": person_type, "NAME": name, "TYPE": kind, "MULTIPLE": multiple}
                | {"CODE": code, "PROPS_GROUP_ID": person_type, "SETTINGS": php({}), "ENTITY_TYPE": "ORDER"}
            )
            variants.extend(
                {"ORDER_PROPS_ID": key, "VALUE": value, "NAME": shown}
                for value, shown in VARIANTS.get(code, {}).items()
            )
        definitions.append(
            {
                "ID": SHIPMENT_PROPERTY_ID + 100 * (person_type - 1),
                "PERSON_TYPE_ID": person_type,
                "NAME": "Адрес склада",
            }
            | {"TYPE": "STRING", "MULTIPLE": "N", "CODE": "addressRecipient", "PROPS_GROUP_ID": person_type}
            | {"SETTINGS": php({}), "ENTITY_TYPE": "SHIPMENT"}
        )
    return {"b_sale_order_props": definitions, "b_sale_order_props_variant": variants}


def _people_rows() -> Rows:
    common: Row = {"PASSWORD": "no password", "DATE_REGISTER": BEFORE, "LID": "s1", "LAST_LOGIN": None}
    employees = [
        {"ID": key, "LOGIN": f"staff{key}", "NAME": name, "LAST_NAME": surname, "EMAIL": f"staff{key}@cvety.kz"}
        | {"PERSONAL_PHONE": None, "PERSONAL_MOBILE": None}
        | common
        for key, (name, surname) in EMPLOYEES.items()
    ]
    customers = [
        {"ID": key, "LOGIN": f"user{key}", "NAME": name, "LAST_NAME": surname, "EMAIL": email}
        | {"PERSONAL_PHONE": phone, "PERSONAL_MOBILE": mobile}
        | common
        for key, (name, surname, email, phone, mobile, _) in CUSTOMERS.items()
    ]
    return {
        "b_user": employees + customers,
        "b_user_phone_auth": [
            {"USER_ID": key, "PHONE_NUMBER": login, "OTP_SECRET": "no secret", "CONFIRMED": "Y"}
            for key, (*_, login) in CUSTOMERS.items()
            if login
        ],
    }


def _infoblock_rows() -> Rows:
    infoblocks = ((REVIEWS, "content", "Отзывы"), (CATALOGUE, "catalog", "Каталог"), (SHOPS, "structure", "Магазины"))
    common: Row = {"TIMESTAMP_X": BEFORE, "DATE_CREATE": BEFORE, "MODIFIED_BY": 1, "CREATED_BY": 1}
    products = [
        {"ID": key, "IBLOCK_ID": CATALOGUE, "NAME": name, "CODE": f"product-{key}", "XML_ID": str(key)}
        | {"ACTIVE": "N" if key == INACTIVE_PRODUCT else "Y", "DETAIL_PICTURE": key - 690000}
        | {"WF_PARENT_ELEMENT_ID": None}
        | common
        for key, (name, _) in PRODUCTS.items()
    ]
    # An unpublished version of the first product.
    draft = products[0] | {"ID": 696690, "NAME": "Букет «Стандарт» (черновик)", "WF_PARENT_ELEMENT_ID": 696613}
    others = [
        {"ID": key, "IBLOCK_ID": infoblock, "NAME": name, "CODE": None, "XML_ID": str(key), "ACTIVE": "Y"}
        | {"DETAIL_PICTURE": None, "WF_PARENT_ELEMENT_ID": None}
        | common
        for key, infoblock, name in (
            *((key, SHOPS, name) for key, name in SITE_SHOPS.items()),
            (5120, REVIEWS, "Очень быстро привезли, спасибо!"),
        )
    ]
    return {
        "b_iblock": [
            {"ID": key, "IBLOCK_TYPE_ID": kind, "LID": "s1", "CODE": kind, "NAME": name}
            for key, kind, name in infoblocks
        ],
        "b_iblock_element": [*products, draft, *others],
        "b_iblock_property": [
            {"ID": 210, "IBLOCK_ID": CATALOGUE, "NAME": "Артикул", "CODE": "ARTNUMBER", "PROPERTY_TYPE": "S"},
            {"ID": 211, "IBLOCK_ID": CATALOGUE, "NAME": "Цвет", "CODE": "COLOR", "PROPERTY_TYPE": "L"},
            {"ID": 300, "IBLOCK_ID": SHOPS, "NAME": "Адрес", "CODE": "ADDRESS", "PROPERTY_TYPE": "S"},
        ],
        "b_iblock_property_enum": [
            {"ID": 7, "PROPERTY_ID": 211, "VALUE": "Красный", "XML_ID": "red"},
            {"ID": 8, "PROPERTY_ID": 211, "VALUE": "Белый", "XML_ID": "white"},
        ],
        "b_iblock_element_property": [
            *(_value(210, key, f"FL-{key}") for key in PRODUCTS),
            _value(211, 696620, "7", VALUE_ENUM=7),
            _value(300, 17008, "Алматы, пр. Абая, 10"),
        ],
        "b_catalog_product": [
            {"ID": key, "QUANTITY": 10, "TIMESTAMP_X": BEFORE, "TYPE": 2 if key == 696640 else 1, "AVAILABLE": "Y"}
            for key in PRODUCTS
        ],
        "b_catalog_price": [
            {"PRODUCT_ID": key, "CATALOG_GROUP_ID": 1, "PRICE": price, "CURRENCY": "KZT", "TIMESTAMP_X": BEFORE}
            for key, (_, price) in PRODUCTS.items()
        ],
        "b_file": [
            {
                "ID": key - 690000,
                "MODULE_ID": "iblock",
                "CONTENT_TYPE": "image/jpeg",
                "SUBDIR": f"iblock/{key % 1000:03}",
            }
            | {"FILE_NAME": f"{key}.jpg", "ORIGINAL_NAME": "букет.jpg", "FILE_SIZE": 84058, "WIDTH": 600, "HEIGHT": 600}
            for key in PRODUCTS
        ],
    }


def _value(property_id: int, element_id: int, value: str, **more: object) -> Row:
    return {"IBLOCK_PROPERTY_ID": property_id, "IBLOCK_ELEMENT_ID": element_id, "VALUE": value} | more


def php(value: object) -> str:
    """Return the value in the format of PHP's `serialize`, in which lengths are counted in bytes of UTF-8."""
    text = phpserialize.dumps(value).decode()
    assert isinstance(text, str)
    return text
