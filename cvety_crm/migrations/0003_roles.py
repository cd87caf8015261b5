"""The roles of the shop's people. What staff make of them afterwards stays."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from cvety_crm.roles import make_roles


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the groups."""
    make_roles(apps)


class Migration(migrations.Migration):
    """After every room whose pages the roles are about."""

    dependencies = [
        ("cvety_crm", "0002_row_level_security"),
        ("orders", "0006_working_day"),
        ("bitrix_bridge", "0002_reconciliation"),
        ("notifications", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
