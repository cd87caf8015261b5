import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from cvety_crm.roles import grant

_SEE = ("orders.view_reportschedule", "orders.view_reportdelivery")
RIGHTS = {
    "Владелец": (
        *_SEE,
        "orders.add_reportschedule",
        "orders.change_reportschedule",
        "orders.delete_reportschedule",
        "orders.change_reportdelivery",
    ),
    "Бухгалтер": _SEE,
}


def grant_rights(apps, _schema_editor):
    grant(apps, RIGHTS)


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0010_exports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        auto_now=True, db_default=django.db.models.functions.datetime.Now(), verbose_name="updated"
                    ),
                ),
                ("due_at", models.DateTimeField(verbose_name="due")),
                ("first_day", models.DateField(verbose_name="first day")),
                ("last_day", models.DateField(verbose_name="last day")),
                ("file", models.FileField(blank=True, editable=False, upload_to="reports")),
                (
                    "file_name",
                    models.CharField(blank=True, db_default="", default="", max_length=255, verbose_name="file"),
                ),
                ("rows", models.PositiveIntegerField(blank=True, null=True, verbose_name="rows")),
                (
                    "shown",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10), blank=True, default=list, editable=False, size=None
                    ),
                ),
                ("title", models.CharField(blank=True, db_default="", default="", max_length=255)),
                ("summary", models.TextField(blank=True, db_default="", default="", verbose_name="headline figures")),
                (
                    "started_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: by the schedule.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="sent by hand by",
                    ),
                ),
            ],
            options={
                "verbose_name": "sending of a report",
                "verbose_name_plural": "sendings of reports",
                "db_table": "report_runs",
                "ordering": ["-due_at"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ReportDelivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        auto_now=True, db_default=django.db.models.functions.datetime.Now(), verbose_name="updated"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "waiting"),
                            ("sending", "being sent"),
                            ("delivered", "delivered"),
                            ("failed", "failed"),
                            ("cancelled", "no longer needed"),
                        ],
                        db_default="pending",
                        default="pending",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="next attempt")),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="claimed until"),
                ),
                (
                    "attempts",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False, verbose_name="attempts"),
                ),
                (
                    "failures",
                    models.PositiveIntegerField(
                        db_default=0,
                        default=0,
                        editable=False,
                        help_text="Since the last retry by hand.",
                        verbose_name="failures in a row",
                    ),
                ),
                (
                    "last_code",
                    models.CharField(blank=True, db_default="", default="", max_length=50, verbose_name="code"),
                ),
                ("last_error", models.TextField(blank=True, db_default="", default="", verbose_name="reason")),
                ("finished_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="finished")),
                (
                    "channel",
                    models.CharField(
                        choices=[("email", "e-mail"), ("telegram", "Telegram")], max_length=10, verbose_name="how"
                    ),
                ),
                ("recipient", models.CharField(max_length=254, verbose_name="to whom")),
                ("receipt", models.CharField(blank=True, db_default="", default="", editable=False, max_length=255)),
                (
                    "retry_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="retried by",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="orders.reportrun",
                        verbose_name="sending of a report",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "db_table": "report_deliveries",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="ReportSchedule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        auto_now=True, db_default=django.db.models.functions.datetime.Now(), verbose_name="updated"
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                ("table", models.CharField(max_length=60, verbose_name="what")),
                ("file_format", models.CharField(max_length=10, verbose_name="file")),
                ("parameters", models.JSONField(default=dict, editable=False)),
                (
                    "period",
                    models.CharField(
                        choices=[
                            ("today", "today"),
                            ("yesterday", "yesterday"),
                            ("last_week", "last week, Monday to Sunday"),
                            ("last_month", "last month"),
                            ("month", "this month so far"),
                        ],
                        max_length=20,
                        verbose_name="for which days",
                    ),
                ),
                (
                    "frequency",
                    models.CharField(
                        choices=[("daily", "every day"), ("weekly", "every week"), ("monthly", "every month")],
                        default="daily",
                        max_length=10,
                        verbose_name="how often",
                    ),
                ),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "on Monday"),
                            (1, "on Tuesday"),
                            (2, "on Wednesday"),
                            (3, "on Thursday"),
                            (4, "on Friday"),
                            (5, "on Saturday"),
                            (6, "on Sunday"),
                        ],
                        db_default=0,
                        default=0,
                        validators=[django.core.validators.MaxValueValidator(6)],
                        verbose_name="day of the week",
                    ),
                ),
                (
                    "day",
                    models.PositiveSmallIntegerField(
                        db_default=1,
                        default=1,
                        help_text="In a shorter month, the last day.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(31),
                        ],
                        verbose_name="day of the month",
                    ),
                ),
                (
                    "hour",
                    models.PositiveSmallIntegerField(
                        db_default=9,
                        default=9,
                        validators=[django.core.validators.MaxValueValidator(23)],
                        verbose_name="at which hour",
                    ),
                ),
                (
                    "emails",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.EmailField(max_length=254),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="e-mail addresses",
                    ),
                ),
                (
                    "chat_id",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=64, verbose_name="Telegram chat"
                    ),
                ),
                ("is_active", models.BooleanField(db_default=True, default=True, verbose_name="is sent")),
                ("next_run_at", models.DateTimeField(editable=False, null=True, verbose_name="next sending")),
                (
                    "run_as",
                    models.ForeignKey(
                        editable=False,
                        help_text="The user who saved it last. The rights are checked before each sending.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="with the rights of",
                    ),
                ),
            ],
            options={
                "verbose_name": "scheduled report",
                "verbose_name_plural": "scheduled reports",
                "db_table": "report_schedules",
                "ordering": ["name"],
            },
        ),
        migrations.AddField(
            model_name="reportrun",
            name="schedule",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="runs",
                to="orders.reportschedule",
                verbose_name="scheduled report",
            ),
        ),
        migrations.CreateModel(
            name="ReportDeliveryAttempt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        auto_now=True, db_default=django.db.models.functions.datetime.Now(), verbose_name="updated"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="started")),
                ("duration_ms", models.PositiveIntegerField(blank=True, null=True, verbose_name="duration, ms")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("started", "started"),
                            ("delivered", "delivered"),
                            ("postponed", "to be repeated"),
                            ("refused", "refused"),
                            ("not_needed", "not needed"),
                            ("died", "the worker stopped in the middle"),
                        ],
                        default="started",
                        max_length=20,
                        verbose_name="outcome",
                    ),
                ),
                ("code", models.CharField(blank=True, default="", max_length=50, verbose_name="code")),
                ("answer", models.TextField(blank=True, default="", verbose_name="answer")),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: automatic.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempt_log",
                        to="orders.reportdelivery",
                    ),
                ),
            ],
            options={
                "verbose_name": "attempt",
                "verbose_name_plural": "attempts",
                "db_table": "report_delivery_attempts",
                "ordering": ["-number"],
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("entry", "number"), name="report_attempts_number")],
            },
        ),
        migrations.AddIndex(
            model_name="reportdelivery",
            index=models.Index(
                condition=models.Q(("state__in", ["pending", "sending"])),
                fields=["due_at"],
                name="report_deliveries_due",
            ),
        ),
        migrations.AddIndex(
            model_name="reportdelivery",
            index=models.Index(fields=["-created_at"], name="report_deliveries_created"),
        ),
        migrations.AddIndex(
            model_name="reportdelivery",
            index=models.Index(
                condition=models.Q(("state", "failed")), fields=["-finished_at"], name="report_deliveries_failed"
            ),
        ),
        migrations.AddConstraint(
            model_name="reportdelivery",
            constraint=models.UniqueConstraint(fields=("run", "channel", "recipient"), name="report_deliveries_once"),
        ),
        migrations.AddIndex(
            model_name="reportschedule",
            index=models.Index(
                condition=models.Q(("next_run_at__isnull", False)), fields=["next_run_at"], name="report_schedules_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="reportrun",
            constraint=models.UniqueConstraint(fields=("schedule", "due_at"), name="report_runs_once"),
        ),
        migrations.RunPython(grant_rights, migrations.RunPython.noop),
    ]
