"""Labels of fields and choices in plain English. The database does not change."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0016_refetch_attempted_at"),
    ]

    operations = [
        migrations.AlterField(
            model_name="order",
            name="comment",
            field=models.TextField(blank=True, db_default="", default="", verbose_name="customer's requests"),
        ),
        migrations.AlterField(
            model_name="order",
            name="courier_notified_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="courier notified"),
        ),
        migrations.AlterField(
            model_name="order",
            name="own_number",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="The number of an order made here until the site numbers it; the customer knows this number.",
                max_length=20,
                verbose_name="number given here",
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="status_held_until",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="status can be undone until"
            ),
        ),
        migrations.AlterField(
            model_name="orderevent",
            name="kind",
            field=models.CharField(
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
                    ("told", "Courier notified"),
                    ("photo_added", "Photo added"),
                    ("photo_withdrawn", "Photo withdrawn"),
                    ("photo_link", "Link to the photo for the customer"),
                    ("photo_answered", "Customer answered the photo"),
                ],
                max_length=20,
                verbose_name="what",
            ),
        ),
        migrations.AlterField(
            model_name="orderevent",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", ""),
                    ("unreadable", "Some fields could not be read; they are stored as they were received"),
                    ("stub", "The site reported only the status; the rest of the order has been requested"),
                    ("ours_stays", "Changed here and on the site; ours stays and is sent to the site"),
                    ("site_decides", "The status was changed on the site too; the site's status stays"),
                    ("site_has_other", "The site already had another status and did not accept ours"),
                    ("unknown_status", "A status that the CRM does not know yet"),
                    ("order_gone", "The site has no such order"),
                    ("stopped_by_hand", "Sending was stopped by hand"),
                    ("gave_up", "The site could not be reached; there will be no more automatic attempts"),
                    ("sent_again", "Sent again by hand"),
                    ("compared", "Comparison with the site: the order was fetched again"),
                    ("compared_sent", "Comparison with the site: the site has another value, ours is sent again"),
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
        migrations.AlterField(
            model_name="photoapproval",
            name="answer",
            field=models.CharField(
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
    ]
