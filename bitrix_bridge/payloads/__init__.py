"""Translate Bitrix payloads into snapshots. The functions use no database and accept any JSON value."""

from bitrix_bridge.payloads.customer import read_customer
from bitrix_bridge.payloads.identity import PayloadError, crm_order_id, deletion_time, is_check_order, object_id
from bitrix_bridge.payloads.order import read_order, read_status_change
from bitrix_bridge.payloads.product import read_product

__all__ = [
    "PayloadError",
    "crm_order_id",
    "deletion_time",
    "is_check_order",
    "object_id",
    "read_customer",
    "read_order",
    "read_product",
    "read_status_change",
]
