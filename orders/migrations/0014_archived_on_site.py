from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0013_site_warns"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="is_archived_on_site",
            field=models.BooleanField(
                db_default=False, default=False, editable=False, verbose_name="in the site's archive"
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
                    ("told", "Courier told"),
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
                    ("unreadable", "Some fields came in a form that could not be read; they are kept as they came"),
                    ("stub", "The site told only the status; the rest of the order has been asked for"),
                    ("ours_stays", "Changed here and on the site; ours stays and is sent to the site"),
                    ("site_decides", "The status was changed on the site too; the site's status stays"),
                    ("site_has_other", "The site had another status by then and did not accept ours"),
                    ("unknown_status", "A status that the CRM does not know yet"),
                    ("order_gone", "The site has no such order"),
                    ("stopped_by_hand", "Sending was stopped by hand"),
                    ("gave_up", "The site could not be reached; no more attempts are made by themselves"),
                    ("sent_again", "Sent once more by hand"),
                    ("compared", "Comparison with the site: the order was read anew"),
                    ("compared_sent", "Comparison with the site: the site has another value, ours is sent once more"),
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
    ]
