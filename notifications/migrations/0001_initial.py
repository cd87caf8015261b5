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
            name="TelegramChat",
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
                ("chat_id", models.CharField(max_length=64, unique=True, verbose_name="chat id")),
                (
                    "former_chat_id",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="From before Telegram made the group a supergroup; the settings may still have it.",
                        max_length=64,
                        verbose_name="former chat id",
                    ),
                ),
                ("title", models.CharField(blank=True, default="", max_length=255, verbose_name="title")),
                ("is_active", models.BooleanField(default=True, verbose_name="receives messages")),
                ("wants_new_orders", models.BooleanField(default=True, verbose_name="new orders")),
                ("wants_status_changes", models.BooleanField(default=True, verbose_name="status changes")),
            ],
            options={
                "verbose_name": "Telegram chat",
                "verbose_name_plural": "Telegram chats",
                "db_table": "telegram_chats",
                "ordering": ["title", "chat_id"],
            },
        ),
        migrations.CreateModel(
            name="TelegramMessage",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("new_order", "new order"),
                            ("status", "status change"),
                            ("photo", "answer about the photo"),
                            ("alert", "alert"),
                        ],
                        max_length=20,
                        verbose_name="about",
                    ),
                ),
                ("chat_id", models.CharField(blank=True, default="", max_length=64, verbose_name="chat id")),
                (
                    "text",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="As Telegram's HTML; written when the message leaves.",
                        verbose_name="text",
                    ),
                ),
                (
                    "telegram_message_id",
                    models.BigIntegerField(blank=True, editable=False, null=True, verbose_name="id in Telegram"),
                ),
                (
                    "event",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orders.orderevent",
                        verbose_name="timeline entry",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
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
                "verbose_name": "Telegram message",
                "verbose_name_plural": "Telegram messages",
                "db_table": "telegram_messages",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="TelegramMessageAttempt",
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
                        to="notifications.telegrammessage",
                    ),
                ),
            ],
            options={
                "verbose_name": "attempt",
                "verbose_name_plural": "attempts",
                "db_table": "telegram_message_attempts",
                "ordering": ["-number"],
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="telegrammessage",
            index=models.Index(
                condition=models.Q(("state__in", ["pending", "sending"])),
                fields=["due_at"],
                name="telegram_messages_due",
            ),
        ),
        migrations.AddIndex(
            model_name="telegrammessage",
            index=models.Index(fields=["-created_at"], name="telegram_messages_created"),
        ),
        migrations.AddIndex(
            model_name="telegrammessage",
            index=models.Index(fields=["order"], name="telegram_messages_order"),
        ),
        migrations.AddIndex(
            model_name="telegrammessage",
            index=models.Index(
                condition=models.Q(("state", "failed")), fields=["state"], name="telegram_messages_failed"
            ),
        ),
        migrations.AddConstraint(
            model_name="telegrammessageattempt",
            constraint=models.UniqueConstraint(fields=("entry", "number"), name="telegram_attempts_number"),
        ),
    ]
