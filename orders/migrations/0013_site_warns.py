from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0012_own_number"),
    ]

    operations = [
        migrations.AlterField(
            model_name="orderevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("created", "Order created"),
                    ("status", "Status changed"),
                    ("changed", "Order changed"),
                    ("deleted", "Deleted on the site"),
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
    ]
