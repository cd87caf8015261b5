import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def user_key(verbose_name):
    return models.ForeignKey(
        blank=True,
        null=True,
        on_delete=django.db.models.deletion.SET_NULL,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
        verbose_name=verbose_name,
    )


def added(model):
    yield migrations.AddField(model, "resumed_at", models.DateTimeField(editable=False, null=True))
    yield migrations.AlterField(
        model, "expected", models.PositiveIntegerField(default=0, editable=False, verbose_name="expected")
    )
    yield migrations.AddField(model, "resumed_from", models.PositiveIntegerField(default=0, editable=False))
    if model == "importrun":
        yield migrations.RenameField(model, "retried_by", "resumed_by")
        yield migrations.AlterField(
            model,
            "resumed_by",
            user_key("resumed by"),
        )
        yield migrations.AddField(
            model,
            "started_by",
            user_key("started by"),
        )
        yield migrations.AddField(
            model,
            "failures",
            models.PositiveIntegerField(default=0, editable=False, verbose_name="failures in a row"),
        )
    else:
        yield migrations.AddField(
            model,
            "resumed_by",
            user_key("resumed by"),
        )
        yield migrations.AddField(
            model, "process", models.CharField(blank=True, default="", editable=False, max_length=255)
        )
    yield migrations.RenameField(model, "worker", "claimed_by")
    yield migrations.AddConstraint(
        model,
        models.UniqueConstraint(
            condition=models.Q(("state", "running")), fields=("state",), name=f"bitrix_bridge_{model}_one_running"
        ),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("bitrix_bridge", "0005_archived_on_site"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint("importrun", "bitrix_import_runs_one_runs"),
        migrations.RemoveConstraint("reconciliation", "bitrix_reconciliations_one_runs"),
        *added("importrun"),
        *added("reconciliation"),
    ]
