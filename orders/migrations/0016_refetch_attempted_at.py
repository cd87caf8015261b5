"""Back-off of the requests for incomplete orders gets a column of its own, so that it no longer changes `updated_at`."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0015_discount_of_lines"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="refetch_attempted_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="last attempt to fetch the rest"),
        ),
    ]
