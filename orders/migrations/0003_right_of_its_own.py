"""Name the right to move an order on after the order: as `change_status` it was also the right to edit statuses."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def rename(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Rename the row, so that whoever was given the right keeps it."""
    Permission = apps.get_model("auth", "Permission")
    Permission.objects.filter(
        codename="change_status", content_type__app_label="orders", content_type__model="order"
    ).update(codename="change_order_status")


class Migration(migrations.Migration):
    """`orders.change_status` is Django's own right for the model `Status`."""

    dependencies = [
        ("orders", "0002_reference_data"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="order",
            options={
                "ordering": ["-created_at"],
                "permissions": [("change_order_status", "Can change an order's status")],
                "verbose_name": "order",
                "verbose_name_plural": "orders",
            },
        ),
        migrations.RunPython(rename, migrations.RunPython.noop),
    ]
