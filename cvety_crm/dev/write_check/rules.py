"""The rules of the check: which calls are writes, and which code may write."""

MODELS_PACKAGE = "orders.models"
APP_LABEL = "orders"
SERVICES = "orders/services"
SCANNED = ("cvety_crm", "orders", "bitrix_bridge", "notifications")
"""The packages of the production code. Tests and benchmarks may write rows directly."""

OUTBOX = "cvety_crm/outbox"
WRITTEN_BY_OUTBOX = frozenset({"ReportDelivery", "ReportDeliveryAttempt"})
"""The outbox entries of `orders`, whose states and attempts the outbox writes."""

EDITED_IN_ADMIN = frozenset(
    {"City", "Courier", "DeliverySlot", "MessageTemplate", "MonthPlan", "PeakDay", "Product", "Shop"}
)
"""Models that an admin page may save with `ModelAdmin.save_model`.

They have no timeline, and no rules except those of `clean`.
"""

ROW_WRITES = frozenset({"save", "asave", "delete", "adelete", "save_base"})
QUERYSET_WRITES = frozenset(
    prefix + name
    for name in (
        "bulk_create",
        "bulk_update",
        "create",
        "delete",
        "get_or_create",
        "update",
        "update_or_create",
    )
    for prefix in ("", "a")
) | {"_insert", "_raw_delete", "_update"}
RELATED_WRITES = frozenset(prefix + name for name in ("add", "clear", "remove", "set") for prefix in ("", "a"))
FORM_WRITES = frozenset({"save", "save_existing", "save_existing_objects", "save_m2m", "save_new", "save_new_objects"})
FILE_WRITES = frozenset({"delete", "save"})
ADMIN_WRITES = frozenset({"delete_model", "delete_queryset", "save_formset", "save_model", "save_related"})

QUERYSET_ROWS = frozenset(
    prefix + name for name in ("create", "earliest", "first", "get", "last", "latest") for prefix in ("", "a")
)
"""Queryset methods that return one row."""
QUERYSET_MANY = frozenset(
    prefix + name
    for name in ("bulk_create", "get_or_create", "in_bulk", "iterator", "update_or_create")
    for prefix in ("", "a")
)
QUERYSET_OTHER = frozenset(
    prefix + name for name in ("aggregate", "contains", "count", "delete", "exists", "update") for prefix in ("", "a")
)
"""Queryset methods that return neither rows nor a queryset."""
