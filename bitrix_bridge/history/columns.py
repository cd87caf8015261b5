"""The columns that the import reads, by table. Missing columns are skipped, because versions of Bitrix differ.

Secrets (`b_user.PASSWORD`, `CHECKWORD`, `b_user_phone_auth.OTP_SECRET` …) and columns that the CRM does not use are not
read.
"""

from bitrix_bridge.payloads.names import ORDER_COLUMNS


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_UNUSED = frozenset({"SEARCH_CONTENT", "BX_USER_ID", "STAT_GID"})

ORDER = tuple(name for name in ORDER_COLUMNS if name not in _UNUSED)
BASKET = _names(
    "ID ORDER_ID PRODUCT_ID NAME PRICE BASE_PRICE DISCOUNT_PRICE DISCOUNT_NAME DISCOUNT_VALUE QUANTITY CURRENCY"
    " PRODUCT_XML_ID CUSTOM_PRICE MEASURE_NAME TYPE SET_PARENT_ID DETAIL_PAGE_URL NOTES DATE_INSERT SORT DELAY CAN_BUY"
)
BASKET_PROPERTY = _names("BASKET_ID NAME VALUE CODE SORT")
PROPERTY = _names("ID PERSON_TYPE_ID NAME TYPE CODE MULTIPLE IS_LOCATION")
PROPERTY_VALUE = _names("ID ORDER_ID ORDER_PROPS_ID NAME VALUE CODE ENTITY_TYPE")
VARIANT = _names("ORDER_PROPS_ID NAME VALUE")
LOCATION = _names("ID CODE PARENT_ID TYPE_ID")
LOCATION_NAME = _names("LOCATION_ID LANGUAGE_ID NAME")
LOCATION_TYPE = _names("ID CODE")
PAYMENT = _names(
    "ID ORDER_ID PAID DATE_PAID PAY_SYSTEM_ID PAY_SYSTEM_NAME SUM CURRENCY PAY_VOUCHER_NUM PAY_VOUCHER_DATE IS_RETURN"
    " PAY_RETURN_DATE PAY_RETURN_NUM PAY_RETURN_COMMENT COMMENTS"
)
SHIPMENT = _names(
    "ID ORDER_ID STATUS_ID PRICE_DELIVERY DELIVERY_ID DELIVERY_NAME ALLOW_DELIVERY DATE_ALLOW_DELIVERY DEDUCTED"
    " DATE_DEDUCTED CANCELED TRACKING_NUMBER COMMENTS SYSTEM"
)
ARCHIVED_ORDER = _names(
    "ID LID ORDER_ID ACCOUNT_NUMBER DATE_INSERT PERSON_TYPE_ID USER_ID STATUS_ID PAYED DEDUCTED CANCELED PRICE SUM_PAID"
    " CURRENCY XML_ID ID_1C RESPONSIBLE_ID COMPANY_ID"
)
ARCHIVED_ITEM = _names(
    "ID ARCHIVE_ID PRODUCT_ID NAME PRICE CURRENCY QUANTITY DATE_INSERT PRODUCT_XML_ID TYPE SET_PARENT_ID MEASURE_NAME"
)
CHANGE = _names("ID ORDER_ID TYPE DATA DATE_CREATE USER_ID ENTITY")
USER = _names(
    "ID ACTIVE LOGIN NAME LAST_NAME SECOND_NAME EMAIL PERSONAL_PHONE PERSONAL_MOBILE DATE_REGISTER TIMESTAMP_X XML_ID"
    " EXTERNAL_AUTH_ID"
)
USER_PHONE = _names("USER_ID PHONE_NUMBER")
STATUS = _names("ID TYPE SORT")
STATUS_NAME = _names("STATUS_ID LID NAME")
PAY_SYSTEM = _names("ID NAME PSA_NAME IS_CASH ACTIVE")
ELEMENT = _names(
    "ID IBLOCK_ID NAME CODE XML_ID ACTIVE TIMESTAMP_X IBLOCK_SECTION_ID SORT PREVIEW_PICTURE DETAIL_PICTURE"
)
ELEMENT_PROPERTY = _names("ID IBLOCK_ID CODE PROPERTY_TYPE")
ELEMENT_VALUE = _names("IBLOCK_PROPERTY_ID IBLOCK_ELEMENT_ID VALUE")
CATALOGUE = _names("ID QUANTITY")
PRICE = _names("PRODUCT_ID CATALOG_GROUP_ID PRICE CURRENCY QUANTITY_FROM")
FILE = _names("ID SUBDIR FILE_NAME HANDLER_ID")

READ = {
    "b_sale_order": ORDER,
    "b_sale_basket": BASKET,
    "b_sale_basket_props": BASKET_PROPERTY,
    "b_sale_order_props": PROPERTY,
    "b_sale_order_props_value": PROPERTY_VALUE,
    "b_sale_order_props_variant": VARIANT,
    "b_sale_location": LOCATION,
    "b_sale_loc_name": LOCATION_NAME,
    "b_sale_loc_type": LOCATION_TYPE,
    "b_sale_status": STATUS,
    "b_sale_status_lang": STATUS_NAME,
    "b_sale_order_payment": PAYMENT,
    "b_sale_order_delivery": SHIPMENT,
    "b_sale_order_change": CHANGE,
    "b_sale_order_archive": ARCHIVED_ORDER,
    "b_sale_order_archive_packed": _names("ORDER_ARCHIVE_ID ORDER_DATA"),
    "b_sale_basket_archive": ARCHIVED_ITEM,
    "b_sale_basket_archive_packed": _names("BASKET_ARCHIVE_ID BASKET_DATA"),
    "b_sale_pay_system_action": PAY_SYSTEM,
    "b_user": USER,
    "b_user_phone_auth": USER_PHONE,
    "b_iblock_element": ELEMENT,
    "b_catalog_product": CATALOGUE,
    "b_catalog_price": PRICE,
    "b_iblock_property": ELEMENT_PROPERTY,
    "b_iblock_element_property": ELEMENT_VALUE,
    "b_file": FILE,
}
"""All columns that are read, by table. Only the first table is required."""
