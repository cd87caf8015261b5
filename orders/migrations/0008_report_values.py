import csv
from pathlib import Path

from django.db import migrations

from cvety_crm.roles import grant
from orders.values.districts import district_of

BATCH = 2000
RIGHTS = dict.fromkeys(("Владелец", "Менеджер"), ("orders.view_customercall", "orders.add_customercall"))
FILE = Path(__file__).parents[1] / "message_templates.csv"
# The first status change by staff from a stage "new" to one that means that the order is accepted.
ACCEPTED = """
    UPDATE orders SET accepted_by_id = found.actor_id, accepted_at = found.happened_at
    FROM (
        SELECT DISTINCT ON (event.order_id) event.order_id, event.actor_id, event.happened_at
        FROM order_events AS event
        CROSS JOIN LATERAL jsonb_array_elements(event.changes) AS change
        JOIN order_statuses AS old ON old.code = change ->> 'old'
        JOIN order_statuses AS new ON new.code = change ->> 'new'
        WHERE event.kind = 'status' AND event.actor_id IS NOT NULL AND change ->> 'field' = 'status'
              AND old.stage = 'new' AND new.stage NOT IN ('new', 'problem', 'cancelled')
        ORDER BY event.order_id, event.happened_at
    ) AS found
    WHERE found.order_id = orders.id
"""


def fill_districts(apps, _schema_editor):
    Order = apps.get_model("orders", "Order")
    rows = Order.objects.exclude(delivery_address="").order_by("pk").only("pk", "delivery_address")
    last = None
    while True:
        batch = list((rows if last is None else rows.filter(pk__gt=last))[:BATCH])
        if not batch:
            return
        last = batch[-1].pk
        for order in batch:
            order.delivery_district = district_of(order.delivery_address)
        Order.objects.bulk_update([order for order in batch if order.delivery_district], ["delivery_district"])


def add_reminders(apps, _schema_editor):
    """Add the reminders to the templates of a shop. A new shop gets all templates after the migrations."""
    MessageTemplate = apps.get_model("orders", "MessageTemplate")
    if not MessageTemplate.objects.exists():
        return
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["purpose"] == "call"]
    MessageTemplate.objects.bulk_create(
        [MessageTemplate(**{**row, "stages": row["stages"].split(), "sort": 1000}) for row in rows],
        ignore_conflicts=True,
    )


def grant_rights(apps, _schema_editor):
    grant(apps, RIGHTS)


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0007_more_reports"),
    ]

    operations = [
        migrations.RunPython(fill_districts, migrations.RunPython.noop),
        migrations.RunSQL(ACCEPTED, migrations.RunSQL.noop),
        migrations.RunPython(add_reminders, migrations.RunPython.noop),
        migrations.RunPython(grant_rights, migrations.RunPython.noop),
    ]
