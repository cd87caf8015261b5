"""The tables, the statuses that the shop starts with, and the sequence of the CRM's own order numbers."""

import csv
import uuid
from datetime import time
from decimal import Decimal
from pathlib import Path

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import orders.models.photo

STATUSES = Path(__file__).parents[1] / "status_profiles" / "specification.csv"
"""The statuses of the default profile."""


def seed(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Insert what is not there yet; rows that staff have edited stay as they are."""
    Status = apps.get_model("orders", "Status")
    with STATUSES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for place, row in enumerate(rows, start=1):
        Status.objects.get_or_create(
            code=row["code"],
            defaults={
                "bitrix_codes": row["bitrix_codes"].split(),
                "stage": row["stage"],
                "name": row["name"],
                "is_final": bool(row["is_final"]),
                "next_codes": row["next_codes"].split(),
                "sort": place * 10,
                # The name that the site uses replaces a name that staff have not edited.
                "bitrix_state": {"agreed": {"name": row["name"], "sort": place * 10}},
            },
        )
    for model, bitrix_id, name, more in (
        ("City", 2, "Алматы", {}),
        ("Shop", 17008, "CVETYKZ", {}),
        ("DeliverySlot", "18", "15:00–16:00", {"starts_at": time(15), "ends_at": time(16)}),
    ):
        apps.get_model("orders", model).objects.get_or_create(
            bitrix_id=bitrix_id, defaults={"name": name, "bitrix_state": {"agreed": {"name": name}}, **more}
        )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="City",
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
                ("name", models.TextField(verbose_name="name")),
                ("needs_attention", models.BooleanField(default=False, verbose_name="needs a look")),
                (
                    "bitrix_state",
                    models.JSONField(
                        blank=True, db_default={}, default=dict, editable=False, verbose_name="agreed with the site"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                ("bitrix_id", models.BigIntegerField(unique=True, verbose_name="id on the site")),
            ],
            options={
                "verbose_name": "city",
                "verbose_name_plural": "cities",
                "db_table": "cities",
                "ordering": ["name"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Courier",
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
                ("name", models.CharField(max_length=255, verbose_name="name")),
                ("phone", models.CharField(blank=True, default="", max_length=20, verbose_name="phone")),
                ("telegram", models.CharField(blank=True, default="", max_length=64, verbose_name="Telegram")),
                ("is_active", models.BooleanField(default=True, verbose_name="works here")),
            ],
            options={
                "verbose_name": "courier",
                "verbose_name_plural": "couriers",
                "db_table": "couriers",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="DeliverySlot",
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
                ("name", models.TextField(verbose_name="name")),
                ("needs_attention", models.BooleanField(default=False, verbose_name="needs a look")),
                (
                    "bitrix_state",
                    models.JSONField(
                        blank=True, db_default={}, default=dict, editable=False, verbose_name="agreed with the site"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                ("bitrix_id", models.CharField(max_length=600, unique=True, verbose_name="id on the site")),
                ("starts_at", models.TimeField(blank=True, null=True, verbose_name="from")),
                ("ends_at", models.TimeField(blank=True, null=True, verbose_name="till")),
            ],
            options={
                "verbose_name": "delivery slot",
                "verbose_name_plural": "delivery slots",
                "db_table": "delivery_times",
                "ordering": ["starts_at", "ends_at", "name"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Shop",
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
                ("name", models.TextField(verbose_name="name")),
                ("needs_attention", models.BooleanField(default=False, verbose_name="needs a look")),
                (
                    "bitrix_state",
                    models.JSONField(
                        blank=True, db_default={}, default=dict, editable=False, verbose_name="agreed with the site"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                ("bitrix_id", models.BigIntegerField(unique=True, verbose_name="id on the site")),
            ],
            options={
                "verbose_name": "shop",
                "verbose_name_plural": "shops",
                "db_table": "sellers",
                "ordering": ["name"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SiteStatus",
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
                ("code", models.CharField(max_length=10, unique=True, verbose_name="code")),
                ("name", models.TextField(verbose_name="name")),
                ("sort", models.IntegerField(default=1000, verbose_name="order in lists")),
                (
                    "confirmed_name",
                    models.TextField(
                        blank=True, db_default="", default="", editable=False, verbose_name="confirmed name"
                    ),
                ),
            ],
            options={
                "verbose_name": "status of the site",
                "verbose_name_plural": "statuses of the site",
                "db_table": "site_statuses",
                "ordering": ["sort", "code"],
            },
        ),
        migrations.CreateModel(
            name="BulkRun",
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
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("advance", "Next step"),
                            ("status", "Change status"),
                            ("take", "Take"),
                            ("florist", "Assign a florist"),
                            ("courier", "Assign a courier"),
                            ("notified", "Couriers are notified"),
                            ("resend", "Send to the site again"),
                        ],
                        max_length=20,
                        verbose_name="action",
                    ),
                ),
                (
                    "parameters",
                    models.JSONField(
                        default=dict, editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
                ("is_undo", models.BooleanField(default=False, editable=False)),
                ("done", models.PositiveIntegerField(default=0, verbose_name="changed")),
                ("unchanged", models.PositiveIntegerField(default=0, verbose_name="were so already")),
                ("refused", models.PositiveIntegerField(default=0, verbose_name="refused")),
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
                (
                    "undoes",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="undoing",
                        to="orders.bulkrun",
                        verbose_name="undoes",
                    ),
                ),
            ],
            options={
                "verbose_name": "bulk action",
                "verbose_name_plural": "bulk actions",
                "db_table": "order_bulk_runs",
                "ordering": ["-started_at"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Customer",
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
                ("name", models.TextField(blank=True, db_default="", default="", verbose_name="name")),
                ("phone", models.TextField(blank=True, db_default="", default="", verbose_name="phone")),
                (
                    "other_phones",
                    models.TextField(
                        blank=True, db_default="", default="", editable=False, verbose_name="other phones"
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=255, null=True, verbose_name="e-mail")),
                (
                    "bitrix_user_id",
                    models.BigIntegerField(blank=True, null=True, unique=True, verbose_name="id on the site"),
                ),
                ("preferences", models.JSONField(blank=True, db_default={}, default=dict, verbose_name="preferences")),
                (
                    "bitrix_state",
                    models.JSONField(
                        blank=True, db_default={}, default=dict, editable=False, verbose_name="agreed with the site"
                    ),
                ),
                ("note", models.TextField(blank=True, db_default="", default="", verbose_name="note")),
                ("needs_attention", models.BooleanField(db_default=False, default=False, verbose_name="needs a look")),
                (
                    "orders_count",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False, verbose_name="orders"),
                ),
                (
                    "orders_total",
                    models.DecimalField(
                        db_default=0,
                        decimal_places=2,
                        default=0,
                        editable=False,
                        max_digits=14,
                        verbose_name="sum of the orders",
                    ),
                ),
                ("last_order_at", models.DateTimeField(editable=False, null=True, verbose_name="last order")),
                (
                    "search",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            models.Func(
                                models.Func(
                                    django.db.models.functions.text.Concat(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        django.db.models.functions.comparison.Coalesce(
                                                            models.F("name"),
                                                            models.Value(""),
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    function="lower",
                                                ),
                                                models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                                models.Value("еаиуукгнох               "),
                                                function="translate",
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\d([^[:alnum:]]*\\d){6,}"),
                                            models.Value(" "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        django.db.models.functions.comparison.Coalesce(
                                                            models.F("email"),
                                                            models.Value(""),
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    function="lower",
                                                ),
                                                models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                                models.Value("еаиуукгнох               "),
                                                function="translate",
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\d([^[:alnum:]]*\\d){6,}"),
                                            models.Value(" "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        output_field=models.TextField(),
                                    ),
                                    function="to_tsvector",
                                    template="%(function)s('simple'::regconfig, %(expressions)s)",
                                ),
                                function="setweight",
                                template="%(function)s(%(expressions)s, 'A')",
                            ),
                            models.Func(
                                models.Func(
                                    django.db.models.functions.text.Concat(
                                        django.db.models.functions.text.Concat(
                                            django.db.models.functions.text.Right(
                                                models.Func(
                                                    django.db.models.functions.comparison.Coalesce(
                                                        models.F("phone"),
                                                        models.Value(""),
                                                        output_field=models.CharField(),
                                                    ),
                                                    models.Value("\\D"),
                                                    models.Value(""),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.CharField(),
                                                ),
                                                10,
                                            ),
                                            models.Value(" "),
                                            django.db.models.functions.text.Right(
                                                models.Func(
                                                    django.db.models.functions.comparison.Coalesce(
                                                        models.F("phone"),
                                                        models.Value(""),
                                                        output_field=models.CharField(),
                                                    ),
                                                    models.Value("\\D"),
                                                    models.Value(""),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.CharField(),
                                                ),
                                                7,
                                            ),
                                            models.Value(" "),
                                            django.db.models.functions.text.Right(
                                                models.Func(
                                                    django.db.models.functions.comparison.Coalesce(
                                                        models.F("phone"),
                                                        models.Value(""),
                                                        output_field=models.CharField(),
                                                    ),
                                                    models.Value("\\D"),
                                                    models.Value(""),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.CharField(),
                                                ),
                                                4,
                                            ),
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            django.db.models.functions.comparison.Coalesce(
                                                models.F("other_phones"),
                                                models.Value(""),
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\+\\d*(\\d{10})(?!\\d)"),
                                            models.Value("\\1 "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            django.db.models.functions.comparison.Coalesce(
                                                models.F("other_phones"),
                                                models.Value(""),
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\+\\d*(\\d{7})(?!\\d)"),
                                            models.Value("\\1 "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            django.db.models.functions.comparison.Coalesce(
                                                models.F("other_phones"),
                                                models.Value(""),
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\+\\d*(\\d{4})(?!\\d)"),
                                            models.Value("\\1 "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        output_field=models.TextField(),
                                    ),
                                    function="to_tsvector",
                                    template="%(function)s('simple'::regconfig, %(expressions)s)",
                                ),
                                function="setweight",
                                template="%(function)s(%(expressions)s, 'B')",
                            ),
                            models.Func(
                                django.db.models.functions.text.Concat(
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                django.db.models.functions.comparison.Coalesce(
                                                    models.F("name"), models.Value(""), output_field=models.TextField()
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                django.db.models.functions.comparison.Coalesce(
                                                    models.F("email"), models.Value(""), output_field=models.TextField()
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                django.db.models.functions.comparison.Coalesce(
                                                    models.F("other_phones"),
                                                    models.Value(""),
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    output_field=models.TextField(),
                                ),
                                function="to_tsvector",
                                template="%(function)s('simple'::regconfig, %(expressions)s)",
                            ),
                            arg_joiner=" || ",
                            template="(%(expressions)s)",
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        help_text="The customer that has the orders. It is never merged itself.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged",
                        to="orders.customer",
                        verbose_name="merged into",
                    ),
                ),
            ],
            options={
                "verbose_name": "customer",
                "verbose_name_plural": "customers",
                "db_table": "users",
                "ordering": ["-created_at"],
                "permissions": [("merge_customer", "Can merge and part customers")],
            },
        ),
        migrations.CreateModel(
            name="MessageTemplate",
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
                ("name", models.CharField(max_length=60, verbose_name="name")),
                (
                    "addressee",
                    models.CharField(
                        choices=[("customer", "customer"), ("recipient", "recipient")],
                        default="customer",
                        max_length=20,
                        verbose_name="for whom",
                    ),
                ),
                (
                    "stages",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("new", "New"),
                                ("accepted", "Accepted"),
                                ("making", "Being made"),
                                ("waiting", "Waiting"),
                                ("ready", "Ready"),
                                ("delivering", "On its way"),
                                ("done", "Done"),
                                ("problem", "Problem"),
                                ("cancelled", "Cancelled"),
                            ],
                            max_length=20,
                        ),
                        blank=True,
                        default=list,
                        help_text="The message is offered for orders in these stages. None: for all orders.",
                        size=None,
                        verbose_name="stages",
                    ),
                ),
                (
                    "handover",
                    models.CharField(
                        choices=[
                            ("any", "delivery and pickup"),
                            ("delivery", "only delivery"),
                            ("pickup", "only pickup"),
                        ],
                        default="any",
                        max_length=20,
                        verbose_name="for which orders",
                    ),
                ),
                ("text_ru", models.TextField(max_length=600, verbose_name="text in Russian")),
                ("text_kk", models.TextField(max_length=600, verbose_name="text in Kazakh")),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                ("sort", models.IntegerField(default=100, verbose_name="order in lists")),
            ],
            options={
                "verbose_name": "message template",
                "verbose_name_plural": "message templates",
                "db_table": "message_templates",
                "ordering": ["sort", "name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("addressee", "name"),
                        name="message_templates_name",
                        violation_error_message="This addressee already has a message with this name.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Order",
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
                    "updated_at",
                    models.DateTimeField(
                        auto_now=True, db_default=django.db.models.functions.datetime.Now(), verbose_name="updated"
                    ),
                ),
                ("order_number", models.CharField(max_length=255, verbose_name="number")),
                (
                    "own_number",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        editable=False,
                        help_text="The number of an order made here until the site numbers it; the customer knows this number.",
                        max_length=20,
                        verbose_name="number given here",
                    ),
                ),
                (
                    "bitrix_order_id",
                    models.BigIntegerField(blank=True, null=True, unique=True, verbose_name="id on the site"),
                ),
                (
                    "status_held_until",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="status can be undone until"
                    ),
                ),
                (
                    "bitrix_user_id",
                    models.BigIntegerField(blank=True, null=True, verbose_name="customer's id on the site"),
                ),
                (
                    "contact_name",
                    models.TextField(blank=True, db_default="", default="", verbose_name="name given with the order"),
                ),
                (
                    "contact_phone",
                    models.TextField(blank=True, db_default="", default="", verbose_name="phone given with the order"),
                ),
                (
                    "contact_email",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        max_length=254,
                        verbose_name="e-mail given with the order",
                    ),
                ),
                ("recipient_name", models.TextField(blank=True, db_default="", default="", verbose_name="recipient")),
                (
                    "recipient_phone",
                    models.TextField(blank=True, db_default="", default="", verbose_name="recipient's phone"),
                ),
                (
                    "recipient_other_phones",
                    models.TextField(
                        blank=True, db_default="", default="", editable=False, verbose_name="recipient's other phones"
                    ),
                ),
                ("delivery_address", models.TextField(blank=True, db_default="", default="", verbose_name="address")),
                ("delivery_date", models.DateField(blank=True, null=True, verbose_name="delivery date")),
                ("postcard_text", models.TextField(blank=True, db_default="", default="", verbose_name="postcard")),
                (
                    "comment",
                    models.TextField(blank=True, db_default="", default="", verbose_name="customer's requests"),
                ),
                (
                    "courier_comment",
                    models.TextField(blank=True, db_default="", default="", verbose_name="shop's comment"),
                ),
                (
                    "total_amount",
                    models.DecimalField(
                        db_default=Decimal("0"),
                        decimal_places=2,
                        default=Decimal("0"),
                        max_digits=12,
                        verbose_name="sum",
                    ),
                ),
                (
                    "delivery_fee",
                    models.DecimalField(
                        db_default=Decimal("0"),
                        decimal_places=2,
                        default=Decimal("0"),
                        max_digits=12,
                        verbose_name="delivery fee",
                    ),
                ),
                (
                    "discount_amount",
                    models.DecimalField(
                        db_default=Decimal("0"),
                        decimal_places=2,
                        default=Decimal("0"),
                        max_digits=12,
                        verbose_name="discount",
                    ),
                ),
                (
                    "paid_amount",
                    models.DecimalField(
                        db_default=Decimal("0"),
                        decimal_places=2,
                        default=Decimal("0"),
                        max_digits=12,
                        verbose_name="paid",
                    ),
                ),
                ("currency", models.CharField(db_default="KZT", default="KZT", max_length=3, verbose_name="currency")),
                (
                    "payment_method",
                    models.CharField(
                        blank=True,
                        choices=[("cash", "cash"), ("card", "card"), ("kaspi", "Kaspi"), ("transfer", "transfer")],
                        db_default="",
                        default="",
                        max_length=50,
                        verbose_name="payment method",
                    ),
                ),
                (
                    "payment_status",
                    models.CharField(
                        choices=[("pending", "not paid"), ("paid", "paid"), ("refunded", "refunded")],
                        db_default="pending",
                        default="pending",
                        max_length=50,
                        verbose_name="payment",
                    ),
                ),
                (
                    "is_cancelled",
                    models.BooleanField(db_default=False, default=False, verbose_name="cancelled on the site"),
                ),
                ("is_pickup", models.BooleanField(db_default=False, default=False, verbose_name="pickup")),
                (
                    "is_anonymous",
                    models.BooleanField(
                        db_default=False, default=False, help_text="Do not name the sender.", verbose_name="anonymous"
                    ),
                ),
                (
                    "is_surprise",
                    models.BooleanField(
                        db_default=False, default=False, help_text="Do not call the recipient.", verbose_name="surprise"
                    ),
                ),
                (
                    "is_deleted_on_site",
                    models.BooleanField(
                        db_default=False, default=False, editable=False, verbose_name="deleted on the site"
                    ),
                ),
                (
                    "is_archived_on_site",
                    models.BooleanField(
                        db_default=False, default=False, editable=False, verbose_name="in the site's archive"
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        db_default=False, default=False, editable=False, verbose_name="not complete yet"
                    ),
                ),
                (
                    "refetch_attempted_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="last attempt to fetch the rest"),
                ),
                ("taken_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="bouquet taken")),
                ("ready_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="bouquet ready")),
                (
                    "courier_notified_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="courier notified"),
                ),
                (
                    "problem",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Why somebody must look at the order.",
                        verbose_name="problem",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("bitrix", "site"),
                            ("admin", "admin"),
                            ("api", "API"),
                            ("telegram", "Telegram"),
                            ("import", "import"),
                            ("system", "system"),
                            ("customer", "customer"),
                        ],
                        default="admin",
                        max_length=50,
                        verbose_name="source",
                    ),
                ),
                (
                    "sync_state",
                    models.CharField(
                        choices=[
                            ("synced", "the site knows"),
                            ("pending", "waiting to be sent"),
                            ("failed", "the site refused"),
                            ("conflict", "the site decided otherwise"),
                        ],
                        db_default="synced",
                        default="synced",
                        max_length=20,
                        verbose_name="site",
                    ),
                ),
                (
                    "unknown_values",
                    models.JSONField(
                        blank=True, db_default={}, default=dict, editable=False, verbose_name="unknown values"
                    ),
                ),
                (
                    "metadata",
                    models.JSONField(
                        blank=True, db_default={}, default=dict, editable=False, verbose_name="other fields"
                    ),
                ),
                (
                    "bitrix_state",
                    models.JSONField(
                        blank=True, db_default={}, default=dict, editable=False, verbose_name="agreed with the site"
                    ),
                ),
                (
                    "bitrix_version",
                    models.IntegerField(blank=True, editable=False, null=True, verbose_name="version on the site"),
                ),
                (
                    "bitrix_updated_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="changed on the site"),
                ),
                ("completed_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="completed")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created"
                    ),
                ),
                (
                    "search",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            models.Func(
                                models.Func(
                                    django.db.models.functions.text.Concat(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    django.db.models.functions.comparison.Coalesce(
                                                        models.F("order_number"),
                                                        models.Value(""),
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value(20000),
                                                    function="left",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    django.db.models.functions.comparison.Coalesce(
                                                        models.F("own_number"),
                                                        models.Value(""),
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value(20000),
                                                    function="left",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        django.db.models.functions.comparison.Coalesce(
                                                            models.F("recipient_name"),
                                                            models.Value(""),
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    function="lower",
                                                ),
                                                models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                                models.Value("еаиуукгнох               "),
                                                function="translate",
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\d([^[:alnum:]]*\\d){6,}"),
                                            models.Value(" "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        django.db.models.functions.comparison.Coalesce(
                                                            models.F("delivery_address"),
                                                            models.Value(""),
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    function="lower",
                                                ),
                                                models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                                models.Value("еаиуукгнох               "),
                                                function="translate",
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\d([^[:alnum:]]*\\d){6,}"),
                                            models.Value(" "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        django.db.models.functions.comparison.Coalesce(
                                                            models.F("contact_name"),
                                                            models.Value(""),
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    function="lower",
                                                ),
                                                models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                                models.Value("еаиуукгнох               "),
                                                function="translate",
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\d([^[:alnum:]]*\\d){6,}"),
                                            models.Value(" "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        django.db.models.functions.comparison.Coalesce(
                                                            models.F("contact_email"),
                                                            models.Value(""),
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    function="lower",
                                                ),
                                                models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                                models.Value("еаиуукгнох               "),
                                                function="translate",
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\d([^[:alnum:]]*\\d){6,}"),
                                            models.Value(" "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("metadata"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template="%(function)s(%(expressions)s, '$.properties.keyvalue() ? (!(@.key like_regex \"price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat\" flag \"i\")).value', '{}', true)::text",
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("metadata"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template="%(function)s(%(expressions)s, '$.choices.*.*', '{}', true)::text",
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("metadata"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template="%(function)s(%(expressions)s, '$.fields.TRACKING_NUMBER', '{}', true)::text",
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("metadata"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template="%(function)s(%(expressions)s, '$.fields.ADDITIONAL_INFO', '{}', true)::text",
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("metadata"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template="%(function)s(%(expressions)s, '$.fields.PAY_VOUCHER_NUM', '{}', true)::text",
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("metadata"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template="%(function)s(%(expressions)s, '$.fields.REASON_CANCELED', '{}', true)::text",
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        output_field=models.TextField(),
                                    ),
                                    function="to_tsvector",
                                    template="%(function)s('simple'::regconfig, %(expressions)s)",
                                ),
                                function="setweight",
                                template="%(function)s(%(expressions)s, 'A')",
                            ),
                            models.Func(
                                models.Func(
                                    django.db.models.functions.text.Concat(
                                        django.db.models.functions.text.Concat(
                                            django.db.models.functions.text.Right(
                                                models.Func(
                                                    django.db.models.functions.comparison.Coalesce(
                                                        models.F("recipient_phone"),
                                                        models.Value(""),
                                                        output_field=models.CharField(),
                                                    ),
                                                    models.Value("\\D"),
                                                    models.Value(""),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.CharField(),
                                                ),
                                                10,
                                            ),
                                            models.Value(" "),
                                            django.db.models.functions.text.Right(
                                                models.Func(
                                                    django.db.models.functions.comparison.Coalesce(
                                                        models.F("recipient_phone"),
                                                        models.Value(""),
                                                        output_field=models.CharField(),
                                                    ),
                                                    models.Value("\\D"),
                                                    models.Value(""),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.CharField(),
                                                ),
                                                7,
                                            ),
                                            models.Value(" "),
                                            django.db.models.functions.text.Right(
                                                models.Func(
                                                    django.db.models.functions.comparison.Coalesce(
                                                        models.F("recipient_phone"),
                                                        models.Value(""),
                                                        output_field=models.CharField(),
                                                    ),
                                                    models.Value("\\D"),
                                                    models.Value(""),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.CharField(),
                                                ),
                                                4,
                                            ),
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        django.db.models.functions.text.Concat(
                                            django.db.models.functions.text.Right(
                                                models.Func(
                                                    django.db.models.functions.comparison.Coalesce(
                                                        models.F("contact_phone"),
                                                        models.Value(""),
                                                        output_field=models.CharField(),
                                                    ),
                                                    models.Value("\\D"),
                                                    models.Value(""),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.CharField(),
                                                ),
                                                10,
                                            ),
                                            models.Value(" "),
                                            django.db.models.functions.text.Right(
                                                models.Func(
                                                    django.db.models.functions.comparison.Coalesce(
                                                        models.F("contact_phone"),
                                                        models.Value(""),
                                                        output_field=models.CharField(),
                                                    ),
                                                    models.Value("\\D"),
                                                    models.Value(""),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.CharField(),
                                                ),
                                                7,
                                            ),
                                            models.Value(" "),
                                            django.db.models.functions.text.Right(
                                                models.Func(
                                                    django.db.models.functions.comparison.Coalesce(
                                                        models.F("contact_phone"),
                                                        models.Value(""),
                                                        output_field=models.CharField(),
                                                    ),
                                                    models.Value("\\D"),
                                                    models.Value(""),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.CharField(),
                                                ),
                                                4,
                                            ),
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            django.db.models.functions.comparison.Coalesce(
                                                models.F("recipient_other_phones"),
                                                models.Value(""),
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\+\\d*(\\d{10})(?!\\d)"),
                                            models.Value("\\1 "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            django.db.models.functions.comparison.Coalesce(
                                                models.F("recipient_other_phones"),
                                                models.Value(""),
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\+\\d*(\\d{7})(?!\\d)"),
                                            models.Value("\\1 "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            django.db.models.functions.comparison.Coalesce(
                                                models.F("recipient_other_phones"),
                                                models.Value(""),
                                                output_field=models.TextField(),
                                            ),
                                            models.Value("\\+\\d*(\\d{4})(?!\\d)"),
                                            models.Value("\\1 "),
                                            models.Value("g"),
                                            function="regexp_replace",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        output_field=models.TextField(),
                                    ),
                                    function="to_tsvector",
                                    template="%(function)s('simple'::regconfig, %(expressions)s)",
                                ),
                                function="setweight",
                                template="%(function)s(%(expressions)s, 'B')",
                            ),
                            models.Func(
                                django.db.models.functions.text.Concat(
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                django.db.models.functions.comparison.Coalesce(
                                                    models.F("recipient_name"),
                                                    models.Value(""),
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                django.db.models.functions.comparison.Coalesce(
                                                    models.F("delivery_address"),
                                                    models.Value(""),
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                django.db.models.functions.comparison.Coalesce(
                                                    models.F("contact_name"),
                                                    models.Value(""),
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                django.db.models.functions.comparison.Coalesce(
                                                    models.F("contact_email"),
                                                    models.Value(""),
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                django.db.models.functions.comparison.Coalesce(
                                                    models.F("recipient_other_phones"),
                                                    models.Value(""),
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("metadata"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template="%(function)s(%(expressions)s, '$.properties.keyvalue() ? (!(@.key like_regex \"price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat\" flag \"i\")).value', '{}', true)::text",
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("metadata"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template="%(function)s(%(expressions)s, '$.choices.*.*', '{}', true)::text",
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("metadata"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template="%(function)s(%(expressions)s, '$.fields.TRACKING_NUMBER', '{}', true)::text",
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("metadata"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template="%(function)s(%(expressions)s, '$.fields.ADDITIONAL_INFO', '{}', true)::text",
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("metadata"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template="%(function)s(%(expressions)s, '$.fields.PAY_VOUCHER_NUM', '{}', true)::text",
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("metadata"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template="%(function)s(%(expressions)s, '$.fields.REASON_CANCELED', '{}', true)::text",
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    output_field=models.TextField(),
                                ),
                                function="to_tsvector",
                                template="%(function)s('simple'::regconfig, %(expressions)s)",
                            ),
                            arg_joiner=" || ",
                            template="(%(expressions)s)",
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                (
                    "city",
                    models.ForeignKey(
                        blank=True,
                        db_column="bitrix_city_id",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="orders.city",
                        to_field="bitrix_id",
                        verbose_name="city",
                    ),
                ),
                (
                    "courier",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="orders",
                        to="orders.courier",
                        verbose_name="courier",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_column="user_id",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="orders.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "customer_before_merge",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        help_text="The merged customer to whom the order belongs again when the customers are parted.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders_before_merge",
                        to="orders.customer",
                        verbose_name="customer before the merge",
                    ),
                ),
                (
                    "delivery_slot",
                    models.ForeignKey(
                        blank=True,
                        db_column="delivery_time_id",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="orders.deliveryslot",
                        to_field="bitrix_id",
                        verbose_name="delivery time",
                    ),
                ),
                (
                    "ready_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made ready by",
                    ),
                ),
                (
                    "responsible",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="orders",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="responsible",
                    ),
                ),
                (
                    "taken_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="taken by",
                    ),
                ),
            ],
            options={
                "verbose_name": "order",
                "verbose_name_plural": "orders",
                "db_table": "orders",
                "ordering": ["-created_at"],
                "permissions": [
                    ("change_order_status", "Can change an order's status"),
                    ("make_order", "Can take bouquets and mark them as ready"),
                    ("assign_order", "Can assign florists and couriers"),
                    ("deliver_order", "Can mark orders as on their way and delivered"),
                    ("export_order", "Can export orders"),
                    ("view_phones", "Can see phones in full"),
                    ("view_all_prices", "Can see prices of any day"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomerChange",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("merged", "merged"),
                            ("parted", "parted"),
                            ("moved", "order given to another customer"),
                        ],
                        max_length=10,
                        verbose_name="what",
                    ),
                ),
                ("orders_count", models.PositiveIntegerField(db_default=0, default=0, verbose_name="orders")),
                ("undone_at", models.DateTimeField(null=True, verbose_name="undone")),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="orders.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes_of_others",
                        to="orders.customer",
                        verbose_name="other customer",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, to="orders.order", verbose_name="order"
                    ),
                ),
            ],
            options={
                "verbose_name": "change of a customer",
                "verbose_name_plural": "changes of customers",
                "db_table": "customer_changes",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="BulkResult",
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
                ("position", models.PositiveIntegerField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("waiting", "not done"),
                            ("done", "changed"),
                            ("unchanged", "was so already"),
                            ("refused", "refused"),
                            ("undone", "undone"),
                        ],
                        default="waiting",
                        max_length=20,
                        verbose_name="result",
                    ),
                ),
                ("reason", models.TextField(blank=True, default="", verbose_name="reason")),
                ("changed_at", models.DateTimeField(editable=False, null=True)),
                ("before", models.CharField(blank=True, default="", max_length=64)),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="results",
                        to="orders.bulkrun",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="orders.order"),
                ),
            ],
            options={
                "verbose_name": "result of a bulk action",
                "verbose_name_plural": "results of bulk actions",
                "db_table": "order_bulk_results",
                "ordering": ["position"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="OrderEvent",
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
                    "happened_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        default=django.utils.timezone.now,
                        verbose_name="when",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("created", "Order created"),
                            ("status", "Status changed"),
                            ("changed", "Order changed"),
                            ("deleted", "Deleted on the site"),
                            ("archived", "Put into the site's archive"),
                            ("sent", "Sent to the site"),
                            ("refused", "Not accepted by the site"),
                            ("conflict", "Both sides changed it"),
                            ("noted", "Something was odd"),
                            ("warned", "The site warns"),
                            ("printed", "Postcard printed"),
                            ("problem", "Problem reported"),
                            ("solved", "Problem solved"),
                            ("taken", "Bouquet taken"),
                            ("ready", "Bouquet ready"),
                            ("remade", "Bouquet to be made again"),
                            ("notified", "Courier notified"),
                            ("customer", "Customer changed"),
                            ("message", "Message sent or copied"),
                            ("photo_added", "Photo added"),
                            ("photo_withdrawn", "Photo withdrawn"),
                            ("photo_link", "Link to the photo for the customer"),
                            ("photo_answered", "Customer answered the photo"),
                        ],
                        max_length=20,
                        verbose_name="what",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("bitrix", "site"),
                            ("admin", "admin"),
                            ("api", "API"),
                            ("telegram", "Telegram"),
                            ("import", "import"),
                            ("system", "system"),
                            ("customer", "customer"),
                        ],
                        max_length=20,
                        verbose_name="from",
                    ),
                ),
                ("changes", models.JSONField(default=list, help_text="[{field, old, new}]", verbose_name="changes")),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", ""),
                            ("unreadable", "Some fields could not be read; they are stored as they were received"),
                            ("stub", "The site reported only the status; the rest of the order has been requested"),
                            ("ours_stays", "Changed here and on the site; ours stays and is sent to the site"),
                            ("site_decides", "The status was changed on the site too; the site's status stays"),
                            ("site_has_other", "The site already had another status and did not accept ours"),
                            ("unknown_status", "A status that the CRM does not know yet"),
                            ("status_moved", "The site's status was given to another status of the CRM"),
                            ("pay_system", "The payment method of the site's pay system was chosen"),
                            (
                                "guessed",
                                "Nothing shows which state is newer, and the site can't be asked: what was received last counts",
                            ),
                            ("order_gone", "The site has no such order"),
                            ("stopped_by_hand", "Sending was stopped by hand"),
                            ("gave_up", "The site could not be reached; there will be no more automatic attempts"),
                            ("sent_again", "Sent again by hand"),
                            ("other_person", "It is another person"),
                            ("merged", "The customers were merged"),
                            ("parted", "The customers were parted again"),
                            ("shared_account", "Many people order under this account of the site; the contacts decide"),
                            ("compared", "Comparison with the site: the order was fetched again"),
                            (
                                "compared_sent",
                                "Comparison with the site: the site has another value, ours is sent again",
                            ),
                            ("compared_taken", "Comparison with the site: the site's value was taken"),
                            ("compared_kept", "Comparison with the site: our value stays and is sent to the site"),
                            ("compared_gone", "Comparison with the site: the site no longer has the order"),
                            ("compared_archived", "Comparison with the site: the order is in its archive"),
                            ("compared_back", "Comparison with the site: the site has the order again"),
                        ],
                        default="",
                        max_length=40,
                        verbose_name="why",
                    ),
                ),
                ("details", models.JSONField(blank=True, default=dict, verbose_name="details")),
                ("webhook_event_id", models.UUIDField(blank=True, null=True, verbose_name="webhook event")),
                ("push_id", models.UUIDField(blank=True, null=True, verbose_name="push")),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
            ],
            options={
                "verbose_name": "timeline entry",
                "verbose_name_plural": "timeline",
                "db_table": "order_events",
                "ordering": ["-happened_at", "-created_at"],
            },
        ),
        migrations.CreateModel(
            name="OrderNote",
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
                ("text", models.TextField(verbose_name="text")),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
            ],
            options={
                "verbose_name": "note",
                "verbose_name_plural": "notes",
                "db_table": "order_notes",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="OrderPhoto",
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
                    "image",
                    models.FileField(blank=True, upload_to=orders.models.photo.photo_path, verbose_name="picture"),
                ),
                (
                    "thumbnail",
                    models.FileField(
                        blank=True,
                        db_default="",
                        default="",
                        upload_to=orders.models.photo.photo_path,
                        verbose_name="small picture",
                    ),
                ),
                ("width", models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="width")),
                ("height", models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="height")),
                ("withdrawn_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="withdrawn")),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="photos",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="withdrawn by",
                    ),
                ),
            ],
            options={
                "verbose_name": "photo",
                "verbose_name_plural": "photos",
                "db_table": "order_photos",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="OrderPresence",
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
                ("seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="presences", to="orders.order"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "presence",
                "verbose_name_plural": "presences",
                "db_table": "order_presences",
            },
        ),
        migrations.CreateModel(
            name="PaySystem",
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
                ("name", models.TextField(verbose_name="name")),
                ("needs_attention", models.BooleanField(default=False, verbose_name="needs a look")),
                (
                    "bitrix_state",
                    models.JSONField(
                        blank=True, db_default={}, default=dict, editable=False, verbose_name="agreed with the site"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                ("bitrix_id", models.BigIntegerField(unique=True, verbose_name="id on the site")),
                (
                    "payment_method",
                    models.CharField(
                        blank=True,
                        choices=[("cash", "cash"), ("card", "card"), ("kaspi", "Kaspi"), ("transfer", "transfer")],
                        db_default="",
                        default="",
                        editable=False,
                        max_length=50,
                        verbose_name="payment method",
                    ),
                ),
                ("chosen_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="chosen")),
                (
                    "chosen_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
            ],
            options={
                "verbose_name": "pay system",
                "verbose_name_plural": "pay systems",
                "db_table": "pay_systems",
                "ordering": ["name"],
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="order",
            name="pay_system",
            field=models.ForeignKey(
                blank=True,
                db_column="bitrix_pay_system_id",
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="orders",
                to="orders.paysystem",
                to_field="bitrix_id",
                verbose_name="pay system",
            ),
        ),
        migrations.CreateModel(
            name="PhotoApproval",
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
                ("nonce", models.CharField(blank=True, db_default="", default="", editable=False, max_length=32)),
                ("expires_at", models.DateTimeField(verbose_name="works until")),
                (
                    "answer",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", ""),
                            ("liked", "the customer likes it"),
                            ("redo", "the customer asks for another bouquet"),
                        ],
                        db_default="",
                        default="",
                        max_length=10,
                        verbose_name="answer",
                    ),
                ),
                ("comment", models.TextField(blank=True, db_default="", default="", verbose_name="comment")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="answered")),
                ("answers", models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="answers")),
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="photo_approval",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
            ],
            options={
                "verbose_name": "approval of the photo",
                "verbose_name_plural": "approvals of photos",
                "db_table": "order_photo_approvals",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Product",
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
                ("name", models.CharField(max_length=600, verbose_name="name")),
                ("slug", models.TextField(blank=True, db_default="", default="", verbose_name="slug")),
                (
                    "price",
                    models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True, verbose_name="price"),
                ),
                (
                    "old_price",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=12, null=True, verbose_name="old price"
                    ),
                ),
                (
                    "quantity",
                    models.DecimalField(
                        blank=True, decimal_places=3, max_digits=12, null=True, verbose_name="in stock"
                    ),
                ),
                ("is_active", models.BooleanField(db_default=True, default=True, verbose_name="on sale")),
                (
                    "bitrix_product_id",
                    models.BigIntegerField(blank=True, null=True, unique=True, verbose_name="id on the site"),
                ),
                (
                    "bitrix_updated_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="changed on the site"),
                ),
                (
                    "image_url",
                    models.TextField(
                        blank=True, db_default="", default="", verbose_name="picture's address on the site"
                    ),
                ),
                (
                    "picture_source",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("DETAIL_PICTURE", "detailed picture"),
                            ("PREVIEW_PICTURE", "preview picture"),
                            ("ru_img_miniature", "miniature"),
                            ("PARENT_PICTURE", "picture of the main product"),
                            ("order", "sent with an order"),
                        ],
                        db_default="",
                        default="",
                        editable=False,
                        max_length=30,
                        verbose_name="where the picture is from",
                    ),
                ),
                (
                    "bitrix_parent_id",
                    models.BigIntegerField(
                        blank=True,
                        db_index=True,
                        editable=False,
                        null=True,
                        verbose_name="id of the main product on the site",
                    ),
                ),
                ("metadata", models.JSONField(blank=True, db_default={}, default=dict, verbose_name="other fields")),
                ("needs_attention", models.BooleanField(db_default=False, default=False, verbose_name="needs a look")),
                (
                    "search",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            django.db.models.functions.text.Concat(
                                models.Func(
                                    models.Func(
                                        models.Func(
                                            django.db.models.functions.comparison.Coalesce(
                                                models.F("name"), models.Value(""), output_field=models.TextField()
                                            ),
                                            models.Value(20000),
                                            function="left",
                                            output_field=models.TextField(),
                                        ),
                                        function="lower",
                                    ),
                                    models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                    models.Value("еаиуукгнох               "),
                                    function="translate",
                                    output_field=models.TextField(),
                                ),
                                models.Value(" "),
                                output_field=models.TextField(),
                            ),
                            function="to_tsvector",
                            template="%(function)s('simple'::regconfig, %(expressions)s)",
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
            ],
            options={
                "verbose_name": "product",
                "verbose_name_plural": "products",
                "db_table": "products",
                "ordering": ["name"],
                "indexes": [
                    models.Index(fields=["name"], name="products_name"),
                    django.contrib.postgres.indexes.GinIndex(fields=["search"], name="products_search"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderItem",
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
                    "bitrix_product_id",
                    models.BigIntegerField(blank=True, null=True, verbose_name="product's id on the site"),
                ),
                (
                    "bitrix_basket_id",
                    models.BigIntegerField(blank=True, null=True, verbose_name="line's id on the site"),
                ),
                (
                    "position",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False, verbose_name="position"),
                ),
                (
                    "quantity",
                    models.DecimalField(
                        decimal_places=3,
                        default=Decimal("1"),
                        max_digits=10,
                        validators=[django.core.validators.MinValueValidator(Decimal("0.001"))],
                        verbose_name="quantity",
                    ),
                ),
                (
                    "price",
                    models.DecimalField(decimal_places=4, default=Decimal("0"), max_digits=14, verbose_name="price"),
                ),
                (
                    "total",
                    models.DecimalField(
                        decimal_places=2, default=Decimal("0"), editable=False, max_digits=14, verbose_name="total"
                    ),
                ),
                (
                    "product_snapshot",
                    models.JSONField(blank=True, db_default={}, default=dict, verbose_name="product as it was"),
                ),
                (
                    "unknown_values",
                    models.JSONField(
                        blank=True, db_default={}, default=dict, editable=False, verbose_name="unknown values"
                    ),
                ),
                (
                    "search",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            models.Func(
                                models.Func(
                                    django.db.models.functions.text.Concat(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("product_snapshot"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template='%(function)s(%(expressions)s, \'$.properties[*] ? (!(@.CODE like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.code like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.NAME like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.name like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i")).VALUE\', \'{}\', true)::text',
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("product_snapshot"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template='%(function)s(%(expressions)s, \'$.properties[*] ? (!(@.CODE like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.code like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.NAME like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.name like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i")).value\', \'{}\', true)::text',
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("product_snapshot"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template='%(function)s(%(expressions)s, \'strict $.properties.keyvalue() ? (!(@.key like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i")).value ? (@.type() != "object")\', \'{}\', true)::text',
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("product_snapshot"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template="%(function)s(%(expressions)s, '$.properties.keyvalue() ? (!(@.key like_regex \"price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat\" flag \"i\")).value.VALUE', '{}', true)::text",
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("product_snapshot"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template="%(function)s(%(expressions)s, '$.properties.keyvalue() ? (!(@.key like_regex \"price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat\" flag \"i\")).value.value', '{}', true)::text",
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("product_snapshot"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template="%(function)s(%(expressions)s, '$.notes', '{}', true)::text",
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.Func(
                                                            models.Func(
                                                                models.F("product_snapshot"),
                                                                function="jsonb_path_query_array",
                                                                output_field=models.TextField(),
                                                                template="%(function)s(%(expressions)s, '$.name', '{}', true)::text",
                                                            ),
                                                            models.Value("\\\\[bfnrt]"),
                                                            models.Value(" "),
                                                            models.Value("g"),
                                                            function="regexp_replace",
                                                            output_field=models.TextField(),
                                                        ),
                                                        models.Value(20000),
                                                        function="left",
                                                        output_field=models.TextField(),
                                                    ),
                                                    models.Value('\\d([^[:alnum:]"]*\\d){6,}'),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                function="lower",
                                            ),
                                            models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                            models.Value("еаиуукгнох               "),
                                            function="translate",
                                            output_field=models.TextField(),
                                        ),
                                        models.Value(" "),
                                        output_field=models.TextField(),
                                    ),
                                    function="to_tsvector",
                                    template="%(function)s('simple'::regconfig, %(expressions)s)",
                                ),
                                function="setweight",
                                template="%(function)s(%(expressions)s, 'A')",
                            ),
                            models.Func(
                                django.db.models.functions.text.Concat(
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("product_snapshot"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template='%(function)s(%(expressions)s, \'$.properties[*] ? (!(@.CODE like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.code like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.NAME like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.name like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i")).VALUE\', \'{}\', true)::text',
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("product_snapshot"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template='%(function)s(%(expressions)s, \'$.properties[*] ? (!(@.CODE like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.code like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.NAME like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i") && !(@.name like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i")).value\', \'{}\', true)::text',
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("product_snapshot"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template='%(function)s(%(expressions)s, \'strict $.properties.keyvalue() ? (!(@.key like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i")).value ? (@.type() != "object")\', \'{}\', true)::text',
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("product_snapshot"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template="%(function)s(%(expressions)s, '$.properties.keyvalue() ? (!(@.key like_regex \"price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat\" flag \"i\")).value.VALUE', '{}', true)::text",
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("product_snapshot"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template="%(function)s(%(expressions)s, '$.properties.keyvalue() ? (!(@.key like_regex \"price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat\" flag \"i\")).value.value', '{}', true)::text",
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("product_snapshot"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template="%(function)s(%(expressions)s, '$.notes', '{}', true)::text",
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    models.Func(
                                        models.Func(
                                            models.Func(
                                                models.Func(
                                                    models.Func(
                                                        models.F("product_snapshot"),
                                                        function="jsonb_path_query_array",
                                                        output_field=models.TextField(),
                                                        template="%(function)s(%(expressions)s, '$.name', '{}', true)::text",
                                                    ),
                                                    models.Value("\\\\[bfnrt]"),
                                                    models.Value(" "),
                                                    models.Value("g"),
                                                    function="regexp_replace",
                                                    output_field=models.TextField(),
                                                ),
                                                models.Value(20000),
                                                function="left",
                                                output_field=models.TextField(),
                                            ),
                                            function="lower",
                                        ),
                                        models.Value("ёәіұүқғңөһ-/.,№#«»\"'():;+"),
                                        models.Value("еаиуукгнох               "),
                                        function="translate",
                                        output_field=models.TextField(),
                                    ),
                                    models.Value(" "),
                                    output_field=models.TextField(),
                                ),
                                function="to_tsvector",
                                template="%(function)s('simple'::regconfig, %(expressions)s)",
                            ),
                            arg_joiner=" || ",
                            template="(%(expressions)s)",
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="items",
                        to="orders.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "item",
                "verbose_name_plural": "items",
                "db_table": "order_items",
                "ordering": ["position", "created_at"],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
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
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("query", models.TextField(verbose_name="query")),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), size=None, verbose_name="columns"
                    ),
                ),
                ("position", models.PositiveIntegerField(db_default=0, default=0, verbose_name="position")),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "view of the list",
                "verbose_name_plural": "views of the list",
                "db_table": "saved_views",
                "ordering": ["position", "created_at"],
                "permissions": [("share_savedview", "Can save views of the list for the shop")],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="RoleView",
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
                    "role",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="auth.group",
                        verbose_name="role",
                    ),
                ),
                (
                    "view",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="roles",
                        to="orders.savedview",
                        verbose_name="view of the list",
                    ),
                ),
            ],
            options={
                "verbose_name": "default view of a role",
                "verbose_name_plural": "default views of roles",
                "db_table": "role_views",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Selection",
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
                ("keys", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "selection of orders",
                "verbose_name_plural": "selections of orders",
                "db_table": "order_selections",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SharedAccount",
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
                ("bitrix_user_id", models.BigIntegerField(unique=True, verbose_name="id on the site")),
                (
                    "holder",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="orders.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "shared account",
                "verbose_name_plural": "shared accounts",
                "db_table": "shared_accounts",
                "ordering": ["bitrix_user_id"],
            },
        ),
        migrations.AddField(
            model_name="order",
            name="shop",
            field=models.ForeignKey(
                blank=True,
                db_column="bitrix_shop_id",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="orders",
                to="orders.shop",
                to_field="bitrix_id",
                verbose_name="shop",
            ),
        ),
        migrations.CreateModel(
            name="SiteReport",
            fields=[
                ("id", models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("limits", models.JSONField(blank=True, default=dict, verbose_name="what the site can store")),
                ("reported_at", models.DateTimeField(verbose_name="reported")),
            ],
            options={
                "verbose_name": "report of the site",
                "verbose_name_plural": "reports of the site",
                "db_table": "site_reports",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="site_reports_one_row")],
            },
        ),
        migrations.CreateModel(
            name="Status",
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
                ("name", models.TextField(verbose_name="name")),
                ("needs_attention", models.BooleanField(default=False, verbose_name="needs a look")),
                (
                    "bitrix_state",
                    models.JSONField(
                        blank=True, db_default={}, default=dict, editable=False, verbose_name="agreed with the site"
                    ),
                ),
                ("code", models.CharField(max_length=50, unique=True, verbose_name="code")),
                (
                    "bitrix_codes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10),
                        blank=True,
                        default=list,
                        help_text="The first one is sent to the site, the others are accepted from it.",
                        size=None,
                        verbose_name="codes on the site",
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("accepted", "Accepted"),
                            ("making", "Being made"),
                            ("waiting", "Waiting"),
                            ("ready", "Ready"),
                            ("delivering", "On its way"),
                            ("done", "Done"),
                            ("problem", "Problem"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="problem",
                        max_length=20,
                        verbose_name="stage",
                    ),
                ),
                (
                    "questioned_stage",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("new", "New"),
                            ("accepted", "Accepted"),
                            ("making", "Being made"),
                            ("waiting", "Waiting"),
                            ("ready", "Ready"),
                            ("delivering", "On its way"),
                            ("done", "Done"),
                            ("problem", "Problem"),
                            ("cancelled", "Cancelled"),
                        ],
                        db_default="",
                        default="",
                        editable=False,
                        max_length=20,
                        verbose_name="stage before the question",
                    ),
                ),
                ("sort", models.IntegerField(default=100, verbose_name="order in lists")),
                (
                    "is_final",
                    models.BooleanField(
                        default=False, help_text="Nothing follows; the order is closed.", verbose_name="final"
                    ),
                ),
                (
                    "next_codes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=50),
                        blank=True,
                        default=list,
                        help_text="Codes of the statuses a manager may choose next, the usual one first. Empty: any.",
                        size=None,
                        verbose_name="allowed next statuses",
                    ),
                ),
            ],
            options={
                "verbose_name": "status",
                "verbose_name_plural": "statuses",
                "db_table": "order_statuses",
                "ordering": ["sort", "code"],
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["bitrix_codes"], name="order_statuses_bitrix_codes"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="order",
            name="status",
            field=models.ForeignKey(
                db_column="status",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="orders",
                to="orders.status",
                to_field="code",
                verbose_name="status",
            ),
        ),
        migrations.AddIndex(
            model_name="bulkrun",
            index=models.Index(fields=["-started_at"], name="order_bulk_runs_newest"),
        ),
        migrations.AddConstraint(
            model_name="bulkrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("started_by",), name="order_bulk_runs_one_running"
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search"], name="users_search"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=django.contrib.postgres.indexes.HashIndex(fields=["phone"], name="users_phone"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["-created_at"], name="users_created"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["-orders_count", "-id"], name="users_orders"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["-orders_total", "-id"], name="users_total"),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                models.OrderBy(models.F("last_order_at"), descending=True, nulls_last=True),
                models.OrderBy(models.F("id"), descending=True),
                name="users_last_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="customerchange",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "merged"), ("undone_at", None)),
                fields=("customer",),
                name="customer_changes_one_merge",
            ),
        ),
        migrations.AddIndex(
            model_name="bulkresult",
            index=models.Index(fields=["run", "outcome", "position"], name="order_bulk_results_run"),
        ),
        migrations.AddConstraint(
            model_name="bulkresult",
            constraint=models.UniqueConstraint(fields=("run", "order"), name="order_bulk_results_once"),
        ),
        migrations.AddIndex(
            model_name="orderevent",
            index=models.Index(fields=["order", "-happened_at"], name="order_events_timeline"),
        ),
        migrations.AddIndex(
            model_name="orderevent",
            index=models.Index(fields=["-happened_at", "-created_at"], name="order_events_newest"),
        ),
        migrations.AddIndex(
            model_name="orderpresence",
            index=models.Index(fields=["seen_at"], name="order_presences_seen"),
        ),
        migrations.AddConstraint(
            model_name="orderpresence",
            constraint=models.UniqueConstraint(fields=("order", "user"), name="order_presences_once"),
        ),
        migrations.AddIndex(
            model_name="photoapproval",
            index=models.Index(
                condition=models.Q(("answer", ""), models.Q(("nonce", ""), _negated=True)),
                fields=["expires_at"],
                name="photo_approvals_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="orderitem",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search"], name="order_items_search"),
        ),
        migrations.AddConstraint(
            model_name="orderitem",
            constraint=models.UniqueConstraint(fields=("order", "bitrix_basket_id"), name="order_items_basket_line"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                models.F("owner"), django.db.models.functions.text.Lower("name"), name="saved_views_name_of_owner"
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("owner__isnull", True)),
                name="saved_views_name_of_shop",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search"], name="orders_search"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["-created_at", "-id"], name="orders_created"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["delivery_date", "delivery_slot"], name="orders_delivery"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["order_number"], name="orders_number"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["customer", "-created_at"], name="orders_customer"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                django.db.models.functions.text.Left("contact_phone", 20),
                models.OrderBy(models.F("created_at"), descending=True),
                condition=models.Q(("contact_phone", ""), _negated=True),
                name="orders_contact",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                models.F("bitrix_user_id"),
                django.db.models.functions.text.Left("contact_phone", 20),
                condition=models.Q(("contact_phone", ""), _negated=True),
                name="orders_account",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["status", "-created_at"], name="orders_status"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["-updated_at"], name="orders_updated"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(condition=models.Q(("is_stub", True)), fields=["created_at"], name="orders_stubs"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("delivery_date", None)), fields=["created_at"], name="orders_undated"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("problem", ""), _negated=True), fields=["delivery_date"], name="orders_problems"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("source", "bitrix"), _negated=True),
                fields=["source", "-created_at"],
                name="orders_not_of_site",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("is_cancelled", True), ("is_deleted_on_site", True), _connector="OR"),
                fields=["-created_at"],
                name="orders_gone",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("sync_state", "synced"), _negated=True),
                fields=["sync_state"],
                name="orders_not_synced",
            ),
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
        migrations.RunSQL("CREATE SEQUENCE order_numbers_crm START 1001", "DROP SEQUENCE order_numbers_crm"),
    ]
