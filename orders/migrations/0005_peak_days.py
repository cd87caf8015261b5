from datetime import date, timedelta

from django.db import migrations

from cvety_crm.roles import grant

YEARS = range(2023, 2028)
_REPORTS = ("orders.view_report", "orders.view_peakday")
RIGHTS = {
    "Владелец": (*_REPORTS, "orders.add_peakday", "orders.change_peakday", "orders.delete_peakday"),
    "Менеджер": _REPORTS,
    "Бухгалтер": _REPORTS,
}


def peak_days(year):
    """Return the name, the first and the last day of each holiday. Mother's Day is the second Sunday of May."""
    may = date(year, 5, 1)
    mothers_day = may + timedelta(days=6 - may.weekday() + 7)
    return [
        ("14 февраля", date(year, 2, 14), date(year, 2, 14)),
        ("8 Марта", date(year, 3, 7), date(year, 3, 8)),
        ("День матери", mothers_day, mothers_day),
        ("1 сентября", date(year, 9, 1), date(year, 9, 1)),
    ]


def seed(apps, _schema_editor):
    PeakDay = apps.get_model("orders", "PeakDay")
    PeakDay.objects.bulk_create(
        PeakDay(name=name, first_day=first, last_day=last) for year in YEARS for name, first, last in peak_days(year)
    )


def grant_rights(apps, _schema_editor):
    grant(apps, RIGHTS)


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0004_reports"),
    ]

    operations = [
        migrations.RunPython(seed, migrations.RunPython.noop),
        migrations.RunPython(grant_rights, migrations.RunPython.noop),
    ]
