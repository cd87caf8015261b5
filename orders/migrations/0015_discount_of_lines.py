"""Forget discounts that were on their way to the site: they are no longer sent, but computed from the lines there too.

A request that held one can't be repeated word for word; what else was in it is sent by a new one.
"""

from django.db import migrations

SENT = """
    UPDATE orders SET bitrix_state = bitrix_state #- '{sent,discount_amount}'
    WHERE bitrix_state #> '{sent}' ? 'discount_amount'
"""
UNANSWERED = """
    UPDATE orders SET bitrix_state = jsonb_set(bitrix_state, '{unanswered}', 'null')
    WHERE bitrix_state #> '{unanswered,values}' ? 'discount_amount'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0014_archived_on_site"),
    ]

    operations = [migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in (SENT, UNANSWERED)]
