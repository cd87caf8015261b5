"""The ids of the site in rows of the earlier CRM, which has some of them in columns and some in JSON."""

from collections.abc import Sequence

from django.utils.translation import gettext

from cvety_crm.adoption.rows import Row
from cvety_crm.adoption.steps import SiteIds, Tally


def site_id(row: Row, names: Sequence[str], *, document: str = "metadata") -> int | None:
    """Return the id of the site from the first of these columns that has one, or from a key of the JSON column."""
    found = row.integer(*names)
    return found if found is not None else Row(row.document(document)).integer(*names)


def refuse_twins(ids: SiteIds, tally: Tally) -> None:
    """Refuse the rows that have one id of the site, unless the newest keeps it."""
    for key, rows in ids.twins():
        reason = gettext("several rows have the id %(id)s of the site; with --duplicates newest the newest keeps it")
        for row in rows:
            tally.refuse(reason % {"id": key}, row)
