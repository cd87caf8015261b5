from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bitrix_bridge", "0003_history"),
    ]

    operations = [
        migrations.AddField(
            model_name="reconciliation",
            name="first_id",
            field=models.BigIntegerField(
                blank=True, help_text="Empty: from the first order.", null=True, verbose_name="from this id on the site"
            ),
        ),
        migrations.AlterField(
            model_name="reconciliation",
            name="origin",
            field=models.CharField(
                choices=[
                    ("command", "command line"),
                    ("schedule", "by the clock"),
                    ("hourly", "by the clock, each hour"),
                    ("page", "by hand"),
                ],
                max_length=20,
                verbose_name="started",
            ),
        ),
    ]
