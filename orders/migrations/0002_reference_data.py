"""The statuses that the shop works with, what an order made in the CRM gets by default, and the CRM's own numbers."""

from datetime import time

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# code, site codes, stage, name, final, the statuses that a manager may choose next
STATUSES = [
    ("new", ["N"], "new", "Новый", False, ["accepted", "processing", "declined", "cancelled"]),
    ("accepted", ["AP"], "accepted", "Принят", False, ["delivering", "processing", "declined", "cancelled", "new"]),
    ("processing", ["P"], "making", "В обработке", False, ["delivering", "accepted", "declined", "cancelled"]),
    ("delivering", ["PD"], "delivering", "Доставляется", False, ["completed", "returned", "processing", "declined"]),
    ("completed", ["CO", "CF"], "done", "Выполнен", False, ["finished", "returned", "refunded", "delivering"]),
    ("finished", ["F"], "done", "Завершён", True, []),
    ("returned", ["RD"], "cancelled", "Возврат", False, ["refunded", "declined", "finished", "delivering"]),
    ("declined", ["DE"], "cancelled", "Отклонён", False, ["finished", "refunded", "cancelled", "accepted"]),
    ("refunded", ["RF"], "cancelled", "Деньги возвращены", False, ["finished", "cancelled"]),
    ("cancelled", ["CN"], "cancelled", "Отменён", True, []),
]


def seed(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Insert what is not there yet; rows that staff have edited stay as they are."""
    Status = apps.get_model("orders", "Status")
    for sort, (code, bitrix_codes, stage, name, is_final, next_codes) in enumerate(STATUSES, start=1):
        Status.objects.get_or_create(
            code=code,
            defaults={
                "bitrix_codes": bitrix_codes,
                "stage": stage,
                "name": name,
                "is_final": is_final,
                "next_codes": next_codes,
                "sort": sort * 10,
                # What nobody has edited gives way to what the site calls it.
                "bitrix_state": {"agreed": {"name": name, "sort": sort * 10}},
            },
        )
    for model, bitrix_id, name, more in (
        ("City", 2, "Алматы", {}),
        ("Shop", 17008, "CVETYKZ", {}),
        ("DeliverySlot", "18", "15:00–16:00", {"starts_at": time(15), "ends_at": time(16)}),
    ):
        apps.get_model("orders", model).objects.get_or_create(
            bitrix_id=bitrix_id, defaults={"name": name, "bitrix_state": {"agreed": {"name": name}}, **more}
        )


class Migration(migrations.Migration):
    """Reference data is data: staff may edit all of it."""

    dependencies = [("orders", "0001_initial")]

    operations = [
        migrations.RunPython(seed, migrations.RunPython.noop),
        migrations.RunSQL("CREATE SEQUENCE order_numbers_crm START 1001", "DROP SEQUENCE order_numbers_crm"),
    ]
