"""Row level security for every table that exists by now; `migrate` covers those that come later."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from cvety_crm.ops.row_level_security import protect_tables


def protect(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Turn it on, with no policy: the owner, as whom the CRM connects, is not affected."""
    protect_tables(schema_editor.connection)


class Migration(migrations.Migration):
    """On Supabase a table without it can be read with the public key."""

    dependencies = [
        ("cvety_crm", "0001_initial"),
        ("orders", "0002_reference_data"),
        ("bitrix_bridge", "0001_initial"),
        ("notifications", "0001_initial"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]

    operations = [migrations.RunPython(protect, migrations.RunPython.noop)]
