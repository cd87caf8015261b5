import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bitrix_bridge", "0002_reconciliation"),
        ("orders", "0011_search_weights"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveField(
            model_name="importrun",
            name="is_dry",
        ),
        migrations.RemoveField(
            model_name="importrun",
            name="totals",
        ),
        migrations.AddField(
            model_name="importrun",
            name="after_id",
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="importrun",
            name="carts",
            field=models.PositiveIntegerField(default=0, verbose_name="lines of carts, left out"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="created",
            field=models.PositiveIntegerField(default=0, verbose_name="created"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="error",
            field=models.TextField(blank=True, default="", verbose_name="error"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="expected",
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name="orders expected"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="failed",
            field=models.PositiveIntegerField(default=0, verbose_name="not imported"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="is_retry",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="importrun",
            name="lease_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="importrun",
            name="process",
            field=models.CharField(blank=True, default="", editable=False, max_length=255),
        ),
        migrations.AddField(
            model_name="importrun",
            name="reasons",
            field=models.JSONField(blank=True, default=list, verbose_name="reasons"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="retried_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="failed ones repeated by",
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="skipped",
            field=models.PositiveIntegerField(default=0, verbose_name="skipped"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="source",
            field=models.CharField(blank=True, default="", max_length=255, verbose_name="copy"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="state",
            field=models.CharField(
                choices=[("running", "runs"), ("done", "done"), ("failed", "failed"), ("stopped", "stopped")],
                default="running",
                max_length=20,
                verbose_name="state",
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="system_shipments",
            field=models.PositiveIntegerField(default=0, verbose_name="system shipments, left out"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="unchanged",
            field=models.PositiveIntegerField(default=0, verbose_name="unchanged"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="updated",
            field=models.PositiveIntegerField(default=0, verbose_name="updated"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="worker",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="importrow",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("created", "created"),
                    ("updated", "updated"),
                    ("unchanged", "unchanged"),
                    ("skipped", "skipped"),
                    ("failed", "not imported"),
                ],
                max_length=20,
                verbose_name="outcome",
            ),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(
                condition=models.Q(("outcome", "failed")),
                fields=["run", "bitrix_order_id"],
                name="bitrix_import_failed",
            ),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(fields=["bitrix_order_id"], name="bitrix_import_rows_order"),
        ),
        migrations.AddIndex(
            model_name="importrun",
            index=models.Index(fields=["-started_at"], name="bitrix_import_runs_newest"),
        ),
        migrations.AddConstraint(
            model_name="importrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("state",), name="bitrix_import_runs_one_runs"
            ),
        ),
    ]
