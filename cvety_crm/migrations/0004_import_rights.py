"""Whoever sets right what the exchange with the site could not may repeat what an import could not bring over."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from cvety_crm.roles import MANAGER, OWNER, grant

RIGHTS = ["bitrix_bridge.view_importrun", "bitrix_bridge.change_importrun", "bitrix_bridge.view_importrow"]


def give_them(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Add the rights to the roles that were made before these were among theirs."""
    grant(apps, {MANAGER.name: RIGHTS, OWNER.name: RIGHTS})


class Migration(migrations.Migration):
    """What staff have made of the roles otherwise stays."""

    dependencies = [("cvety_crm", "0003_roles"), ("bitrix_bridge", "0003_history")]

    operations = [migrations.RunPython(give_them, migrations.RunPython.noop)]
