import uuid

import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("orders", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportRun",
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
                        choices=[("running", "runs"), ("done", "done"), ("failed", "failed"), ("stopped", "stopped")],
                        default="running",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="started")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                ("error", models.TextField(blank=True, default="", verbose_name="error")),
                ("resumed_at", models.DateTimeField(editable=False, null=True)),
                ("resumed_from", models.PositiveIntegerField(default=0, editable=False)),
                ("claimed_by", models.UUIDField(editable=False, null=True)),
                ("process", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                ("expected", models.PositiveIntegerField(default=0, editable=False, verbose_name="expected")),
                ("failures", models.PositiveIntegerField(default=0, editable=False, verbose_name="failures in a row")),
                ("source", models.CharField(blank=True, default="", max_length=255, verbose_name="copy")),
                ("options", models.JSONField(blank=True, default=dict, verbose_name="options")),
                ("after_id", models.BigIntegerField(default=0, editable=False)),
                ("is_retry", models.BooleanField(default=False, editable=False)),
                ("created", models.PositiveIntegerField(default=0, verbose_name="created")),
                ("updated", models.PositiveIntegerField(default=0, verbose_name="updated")),
                ("unchanged", models.PositiveIntegerField(default=0, verbose_name="unchanged")),
                ("skipped", models.PositiveIntegerField(default=0, verbose_name="skipped")),
                ("failed", models.PositiveIntegerField(default=0, verbose_name="not imported")),
                ("carts", models.PositiveIntegerField(default=0, verbose_name="lines of carts, left out")),
                ("system_shipments", models.PositiveIntegerField(default=0, verbose_name="system shipments, left out")),
                ("reasons", models.JSONField(blank=True, default=list, verbose_name="reasons")),
                (
                    "resumed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="resumed by",
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="started by",
                    ),
                ),
            ],
            options={
                "verbose_name": "import run",
                "verbose_name_plural": "import runs",
                "db_table": "bitrix_import_runs",
                "ordering": ["-started_at"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ImportRow",
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
                ("bitrix_order_id", models.BigIntegerField(verbose_name="id on the site")),
                (
                    "outcome",
                    models.CharField(
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
                ("reasons", models.JSONField(blank=True, default=list, verbose_name="reasons")),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="bitrix_bridge.importrun",
                        verbose_name="run",
                    ),
                ),
            ],
            options={
                "verbose_name": "imported order",
                "verbose_name_plural": "imported orders",
                "db_table": "bitrix_import_rows",
                "ordering": ["bitrix_order_id"],
            },
        ),
        migrations.CreateModel(
            name="Push",
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
                    "fields",
                    models.JSONField(
                        blank=True, default=list, help_text="When it was queued.", verbose_name="what to send"
                    ),
                ),
                ("request", models.JSONField(blank=True, default=dict, verbose_name="last request")),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pushes",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
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
            ],
            options={
                "verbose_name": "push",
                "verbose_name_plural": "pushes to the site",
                "db_table": "bitrix_pushes",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="PushAttempt",
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
                        on_delete=django.db.models.deletion.CASCADE, related_name="attempt_log", to="bitrix_bridge.push"
                    ),
                ),
            ],
            options={
                "verbose_name": "attempt",
                "verbose_name_plural": "attempts",
                "db_table": "bitrix_push_attempts",
                "ordering": ["-number"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Reconciliation",
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
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="started")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                ("error", models.TextField(blank=True, default="", verbose_name="error")),
                ("resumed_at", models.DateTimeField(editable=False, null=True)),
                ("resumed_from", models.PositiveIntegerField(default=0, editable=False)),
                ("claimed_by", models.UUIDField(editable=False, null=True)),
                ("process", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                ("expected", models.PositiveIntegerField(default=0, editable=False, verbose_name="expected")),
                ("failures", models.PositiveIntegerField(default=0, editable=False, verbose_name="failures in a row")),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "runs"), ("done", "done"), ("failed", "failed"), ("stopped", "stopped")],
                        default="running",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                (
                    "origin",
                    models.CharField(
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
                ("is_repair", models.BooleanField(default=False, verbose_name="repairs")),
                ("since", models.DateTimeField(blank=True, null=True, verbose_name="changed since")),
                (
                    "first_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Empty: from the first order.",
                        null=True,
                        verbose_name="from this id on the site",
                    ),
                ),
                (
                    "phase",
                    models.CharField(
                        choices=[
                            ("listed", "what the site lists"),
                            ("beyond", "ours behind the site's last order"),
                            ("unlinked", "orders made here"),
                            ("over", "everything"),
                        ],
                        default="listed",
                        editable=False,
                        max_length=20,
                    ),
                ),
                ("after_id", models.BigIntegerField(default=0, editable=False)),
                ("after_key", models.UUIDField(editable=False, null=True)),
                ("compared", models.PositiveIntegerField(default=0, verbose_name="compared")),
                ("agreed", models.PositiveIntegerField(default=0, verbose_name="agreed")),
                ("on_their_way", models.PositiveIntegerField(default=0, verbose_name="on their way")),
                ("differences", models.PositiveIntegerField(default=0, verbose_name="differences")),
                ("missing_here", models.PositiveIntegerField(default=0, verbose_name="missing here")),
                ("missing_there", models.PositiveIntegerField(default=0, verbose_name="missing on the site")),
                (
                    "archived",
                    models.PositiveIntegerField(db_default=0, default=0, verbose_name="found in the site's archive"),
                ),
                (
                    "damaged",
                    models.PositiveIntegerField(
                        db_default=0, default=0, verbose_name="values that the site can't store"
                    ),
                ),
                ("repaired", models.PositiveIntegerField(default=0, verbose_name="repaired")),
                ("need_person", models.PositiveIntegerField(default=0, verbose_name="need a person")),
                (
                    "resumed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="resumed by",
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="started by",
                    ),
                ),
            ],
            options={
                "verbose_name": "comparison with the site",
                "verbose_name_plural": "comparisons with the site",
                "db_table": "bitrix_reconciliations",
                "ordering": ["-started_at"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Difference",
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
                ("bitrix_order_id", models.BigIntegerField(blank=True, null=True, verbose_name="id on the site")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("field", "another value"),
                            ("missing_here", "missing here"),
                            ("missing_there", "missing on the site"),
                        ],
                        default="field",
                        max_length=20,
                        verbose_name="what",
                    ),
                ),
                ("field", models.CharField(blank=True, default="", max_length=40, verbose_name="field")),
                ("agreed", models.JSONField(blank=True, null=True, verbose_name="last agreed")),
                ("ours", models.JSONField(blank=True, null=True, verbose_name="here")),
                ("theirs", models.JSONField(blank=True, null=True, verbose_name="on the site")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("found", "found"),
                            ("repaired", "repaired"),
                            ("person", "needs a person"),
                            ("resolved", "decided by hand"),
                            ("gone", "no longer differs"),
                        ],
                        default="found",
                        max_length=20,
                        verbose_name="outcome",
                    ),
                ),
                ("why", models.TextField(blank=True, default="", verbose_name="why")),
                (
                    "side",
                    models.CharField(
                        blank=True,
                        choices=[("site", "the site's"), ("ours", "ours")],
                        default="",
                        max_length=10,
                        verbose_name="side taken",
                    ),
                ),
                ("resolved_at", models.DateTimeField(blank=True, null=True, verbose_name="decided")),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="found",
                        to="bitrix_bridge.reconciliation",
                        verbose_name="comparison",
                    ),
                ),
            ],
            options={
                "verbose_name": "difference",
                "verbose_name_plural": "differences",
                "db_table": "bitrix_differences",
                "ordering": ["bitrix_order_id", "created_at"],
            },
        ),
        migrations.CreateModel(
            name="WebhookEvent",
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
                ("event", models.CharField(max_length=100, verbose_name="event")),
                ("object_id", models.BigIntegerField(blank=True, null=True, verbose_name="id on the site")),
                ("payload", models.JSONField(verbose_name="as received")),
                ("fingerprint", models.CharField(editable=False, max_length=64, null=True)),
                ("is_repetition", models.BooleanField(db_default=False, default=False, editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("processed", "processed"),
                            ("waiting", "failed, to be repeated"),
                            ("failed", "failed"),
                        ],
                        default="processed",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("created", "created"),
                            ("updated", "updated"),
                            ("status_changed", "status changed"),
                            ("unchanged", "nothing new"),
                            ("duplicate", "duplicate"),
                            ("stale", "outdated"),
                            ("ignored", "unknown event"),
                            ("stored", "stored, not processed"),
                            ("refused", "refused"),
                        ],
                        max_length=20,
                        verbose_name="outcome",
                    ),
                ),
                ("problems", models.JSONField(blank=True, default=list, verbose_name="unreadable values")),
                ("error", models.TextField(blank=True, default="", verbose_name="error")),
                ("traceback", models.TextField(blank=True, default="", verbose_name="traceback")),
                ("attempts", models.PositiveIntegerField(default=1, verbose_name="attempts")),
                ("retry_at", models.DateTimeField(blank=True, null=True, verbose_name="next attempt")),
                ("processed_at", models.DateTimeField(blank=True, null=True, verbose_name="processed")),
                ("remote_addr", models.GenericIPAddressField(blank=True, null=True, verbose_name="sender's address")),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook event",
                "verbose_name_plural": "inbox",
                "db_table": "bitrix_webhook_events",
                "ordering": ["-created_at"],
            },
        ),
        migrations.AddIndex(
            model_name="importrun",
            index=models.Index(fields=["-started_at"], name="bitrix_import_runs_newest"),
        ),
        migrations.AddConstraint(
            model_name="importrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("state",), name="bitrix_bridge_importrun_one_running"
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
        migrations.AddConstraint(
            model_name="importrow",
            constraint=models.UniqueConstraint(fields=("run", "bitrix_order_id"), name="bitrix_import_rows_once"),
        ),
        migrations.AddIndex(
            model_name="push",
            index=models.Index(
                condition=models.Q(("state__in", ["pending", "sending"])), fields=["due_at"], name="bitrix_pushes_due"
            ),
        ),
        migrations.AddIndex(
            model_name="push",
            index=models.Index(fields=["-created_at"], name="bitrix_pushes_created"),
        ),
        migrations.AddIndex(
            model_name="push",
            index=models.Index(condition=models.Q(("state", "failed")), fields=["state"], name="bitrix_pushes_failed"),
        ),
        migrations.AddConstraint(
            model_name="push",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["pending", "sending"])),
                fields=("order",),
                name="bitrix_pushes_one_live_per_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="pushattempt",
            constraint=models.UniqueConstraint(fields=("entry", "number"), name="bitrix_push_attempts_number"),
        ),
        migrations.AddIndex(
            model_name="reconciliation",
            index=models.Index(fields=["-started_at"], name="bitrix_reconciliations_newest"),
        ),
        migrations.AddConstraint(
            model_name="reconciliation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")),
                fields=("state",),
                name="bitrix_bridge_reconciliation_one_running",
            ),
        ),
        migrations.AddIndex(
            model_name="difference",
            index=models.Index(fields=["run", "outcome", "bitrix_order_id"], name="bitrix_differences_run"),
        ),
        migrations.AddIndex(
            model_name="difference",
            index=models.Index(
                condition=models.Q(("outcome__in", ["found", "person"])),
                fields=["bitrix_order_id"],
                name="bitrix_differences_open_id",
            ),
        ),
        migrations.AddIndex(
            model_name="difference",
            index=models.Index(
                condition=models.Q(("outcome__in", ["found", "person"])),
                fields=["order"],
                name="bitrix_differences_open_order",
            ),
        ),
        migrations.AddIndex(
            model_name="difference",
            index=models.Index(
                condition=models.Q(("outcome", "person")), fields=["outcome"], name="bitrix_differences_person"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(fields=["-created_at"], name="webhook_events_created"),
        ),
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(fields=["object_id", "-created_at"], name="webhook_events_object"),
        ),
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(fields=["order"], name="webhook_events_order"),
        ),
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["retry_at"], name="webhook_events_retry"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(
                condition=models.Q(("state", "processed"), _negated=True),
                fields=["state"],
                name="webhook_events_unprocessed",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(
                condition=models.Q(("action", "refused")), fields=["-created_at"], name="webhook_events_refused"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookevent",
            constraint=models.UniqueConstraint(fields=("fingerprint",), name="webhook_events_once"),
        ),
    ]
