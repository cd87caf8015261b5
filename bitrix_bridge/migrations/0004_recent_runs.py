from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bitrix_bridge", "0003_queued_events")]

    operations = [
        migrations.AlterField(
            model_name="reconciliation",
            name="origin",
            field=models.CharField(
                choices=[
                    ("command", "command line"),
                    ("schedule", "by the clock"),
                    ("hourly", "by the clock, each hour"),
                    ("recent", "by the clock, each five minutes"),
                    ("page", "by hand"),
                ],
                max_length=20,
                verbose_name="started",
            ),
        ),
        migrations.AddField(
            model_name="webhookevent",
            name="correlation_id",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="push",
            name="correlation_id",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=64),
        ),
    ]
