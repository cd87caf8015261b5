"""The rules about the other data of the site: which fields are technical, amounts, phones, or meant for a courier.

The site decides which fields an order has, so a field that no table names is shown. A name is compared word by word,
so `PAY_SYSTEM_ID`, `paySystemId` and `pay-system-id` are the same name.
"""

import re
from functools import lru_cache
from typing import Any

_WORDS = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-zа-я0-9])(?=[A-ZА-Я])")
_NUMBERED = re.compile(r"(?<=.)#\d+$")


def folded(name: str) -> str:
    """Return the same lower-case string for all spellings of a name. The number of a repeated name is left out."""
    return "_".join(_parts_of(name))


@lru_cache(maxsize=4096)
def _parts_of(name: str) -> tuple[str, ...]:
    return tuple(_WORDS.findall(_CAMEL.sub(" ", _NUMBERED.sub("", name[:200])).lower()))


def _names(*texts: str) -> frozenset[str]:
    return frozenset(name for text in texts for name in text.split())


_TECHNICAL_NAMES = _names(
    # The identity of the order and of its parts.
    "id lid person_type sort module external_order created_by locked_by 1c xml type iblock detail_page_url currency",
    "product_provider_class callback_func order_callback_func cancel_callback_func pay_callback_func delay can_buy",
    "custom_price measure_name measure_code fuser subscribe vat_included weight dimensions recommendation",
    # Flags and dates of bookkeeping.
    "marked deducted allow_delivery reserved running is_recurring recount_flag is_sync_b_24 is_sync_b24 updated_1_c",
    "updated_1c id_1c id_1_c version_1c version_1_c search_content ps_status ps_status_code ps_currency system active",
    "date_insert date_update date_status date_payed date_paid date_canceled date_allow_delivery date_deducted",
    "date_marked date_lock date_bill date_responsible date_refresh ps_response_date timestamp_x date_register",
    "webhook_source webhook_timestamp props_group entity_type url xml_value util required multiple settings",
    # Amounts that the CRM stores in columns of its own.
    "discount_value sum_paid price_delivery base_price discount_price",
)
"""Folded names of columns that describe the record and not the order, or that the CRM shows elsewhere."""
_PICTURES = _names("picture detail_picture preview_picture ru_img_miniature")
"""Folded names of fields and properties with the picture of a product, which pages show as a picture."""
_TECHNICAL_LAST_WORDS = _names("id ids guid uuid hash checksum md5 sha1 token session cookie crc etag")
_TECHNICAL_WORDS = _names("xml guid uuid hash checksum md5 csrf sessid version useragent emp")
_FLAGS_WITH_COLUMN = _names(
    "pickup i_will_get is_anonymous anonymous is_surprise surprise do_not_call payed canceled cancelled"
)
_FLAGS = {"y": True, "n": False, "true": True, "false": False}
_HASH = re.compile(
    r"(?=.*[a-f])(?=.*\d)(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}",
    re.IGNORECASE,
)
_LOCATION_CODE = re.compile(r"\d{1,12}")
_EMPTY = re.compile(r"|0000-00-00.*|null|undefined", re.IGNORECASE)

_AMOUNT_WORDS = _names("price prices sum cost amount total discount tax fee payment_sum bonus bonuses cashback vat")
_NOT_AMOUNTS = _names("discount_name discount_coupon coupon_discount amount_of_flowers")
_PHONE_WORDS = _names("phone tel telephone mobile whatsapp telegram viber phones")

_RECIPIENT_WORDS = _names("recipient recipients receiver poluchatel poluchatelya")
_CUSTOMER_PHONE = re.compile(r"(?:phone|tel|mobile)_(?:\d{1,2}|dop|second|extra)|(?:second|extra|dop)_(?:phone|tel)")

_FOR_COURIER = _names(
    "street house building corpus korpus apartment flat kvartira kv office entrance podezd porch floor etazh intercom",
    "domofon door_code code notes note ask_address location_name landmark orientir address address_2 zhk",
)
_FOR_COURIER_UNLESS_ANONYMOUS = _names("company company_name firma")
_FOR_FLORIST = _names("notes note packaging upakovka ribbon lenta size razmer color colour cvet")


def is_technical(name: str, *, is_property: bool = False) -> bool:
    """Return whether a field with this name is of no use to staff: an id, a version, a date of bookkeeping, a hash.

    The shop names its properties itself, so the names of Bitrix's columns say nothing about a property.
    """
    words = _parts_of(name)
    if not words:
        return False
    return (
        (not is_property and "_".join(words) in _TECHNICAL_NAMES)
        or "_".join(words) in _PICTURES
        or words[-1] in _TECHNICAL_LAST_WORDS
        or not _TECHNICAL_WORDS.isdisjoint(words)
    )


def is_empty(name: str, value: str) -> bool:
    """Return whether a value says nothing to staff: an empty one, a hash, the code of a location, a sum of zero."""
    if _EMPTY.fullmatch(value) or _HASH.fullmatch(value):
        return True
    if "location" in _parts_of(name):
        return _LOCATION_CODE.fullmatch(value) is not None
    return is_amount(name) and not value.strip("0.,")


def flag_of(value: Any) -> bool | None:
    """Return the flag that a value is (`Y`, `N`, or a JSON flag), or None if the value is not a flag."""
    if isinstance(value, bool):
        return value
    return _FLAGS.get(value.strip().lower()) if isinstance(value, str) else None


def is_shown_as_column(name: str, value: Any) -> bool:
    """Return whether the CRM shows this flag in a column of its own. A value that is not a flag is not shown there."""
    return folded(name) in _FLAGS_WITH_COLUMN and (flag_of(value) is not None or str(value).strip() in ("0", "1"))


def is_amount(name: str) -> bool:
    """Return whether a field with this name is a sum of money, which not all users may see."""
    return folded(name) not in _NOT_AMOUNTS and not _AMOUNT_WORDS.isdisjoint(_parts_of(name))


def is_phone(name: str) -> bool:
    """Return whether a field with this name is a phone."""
    return not _PHONE_WORDS.isdisjoint(_parts_of(name))


def is_phone_of_recipient(name: str) -> bool:
    """Return whether a field with this name is a phone of the recipient, such as `phoneRecipient2`."""
    return is_phone(name) and not _RECIPIENT_WORDS.isdisjoint(_parts_of(name))


def is_phone_of_customer(name: str) -> bool:
    """Return whether a field with this name is one more phone of the customer, such as `phone2`."""
    return _CUSTOMER_PHONE.fullmatch(folded(name)) is not None


def is_for_courier(name: str, *, is_anonymous: bool) -> bool:
    """Return whether a courier needs this field. The company may reveal the sender of an anonymous order."""
    code = folded(name)
    return code in _FOR_COURIER or (code in _FOR_COURIER_UNLESS_ANONYMOUS and not is_anonymous)


def is_for_florist(name: str) -> bool:
    """Return whether the florist needs this field of an order to make the bouquet."""
    return folded(name) in _FOR_FLORIST
