from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bitrix_bridge", "0004_hourly_look"),
    ]

    operations = [
        migrations.AddField(
            model_name="reconciliation",
            name="archived",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="found in the site's archive"),
        ),
    ]
