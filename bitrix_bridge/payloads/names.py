"""Map the names of fields in payloads to columns of `b_sale_order`. REST sends the names in camelCase."""

from bitrix_bridge.payloads.memory import Memory, is_short

_ORDER_COLUMNS = """
    ID LID PERSON_TYPE_ID PAYED DATE_PAYED EMP_PAYED_ID CANCELED DATE_CANCELED EMP_CANCELED_ID REASON_CANCELED
    STATUS_ID DATE_STATUS EMP_STATUS_ID PRICE_DELIVERY PRICE_PAYMENT ALLOW_DELIVERY DATE_ALLOW_DELIVERY
    EMP_ALLOW_DELIVERY_ID DEDUCTED DATE_DEDUCTED EMP_DEDUCTED_ID REASON_UNDO_DEDUCTED MARKED DATE_MARKED EMP_MARKED_ID
    REASON_MARKED RESERVED PRICE CURRENCY DISCOUNT_VALUE USER_ID PAY_SYSTEM_ID DELIVERY_ID DATE_INSERT DATE_UPDATE
    USER_DESCRIPTION ADDITIONAL_INFO PS_STATUS PS_STATUS_CODE PS_STATUS_DESCRIPTION PS_STATUS_MESSAGE PS_SUM
    PS_CURRENCY PS_RESPONSE_DATE COMMENTS TAX_VALUE STAT_GID SUM_PAID IS_RECURRING RECURRING_ID PAY_VOUCHER_NUM
    PAY_VOUCHER_DATE LOCKED_BY DATE_LOCK RECOUNT_FLAG AFFILIATE_ID DELIVERY_DOC_NUM DELIVERY_DOC_DATE UPDATED_1C
    STORE_ID ORDER_TOPIC CREATED_BY RESPONSIBLE_ID COMPANY_ID DATE_PAY_BEFORE DATE_BILL ACCOUNT_NUMBER TRACKING_NUMBER
    XML_ID ID_1C VERSION_1C VERSION EXTERNAL_ORDER RUNNING BX_USER_ID SEARCH_CONTENT IS_SYNC_B24
"""


def _fold(name: str) -> str:
    return name.replace("_", "").casefold()


FOLDED = Memory(_fold, is_remembered=is_short, most=4096)
"""Name -> the result of `fold`."""


def fold(name: object) -> str:
    """Return the same string for all spellings of a name, such as `STATUS_ID`, `statusId` and `status_id`."""
    return FOLDED[str(name)]


ORDER_COLUMNS = tuple(_ORDER_COLUMNS.split())
"""The columns of `b_sale_order` (BX25). The copy of the site's database may lack some of them."""
_COLUMN_BY_FOLDED = {fold(column): column for column in ORDER_COLUMNS}


def order_column(name: str) -> str:
    """Return the column of `b_sale_order` for a key (`statusId` → `STATUS_ID`). Return an unknown key unchanged."""
    return _COLUMN_BY_FOLDED.get(FOLDED[name], name)
