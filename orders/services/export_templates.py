"""The services by which a user saves the columns of an export as a template, and deletes it."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import ExportTemplate, ReportSchedule
from orders.models.export import LONGEST_NAME
from orders.services.locking import lock_names
from orders.services.validation import refuse_excess
from orders.values.text import clean_line

MOST_TEMPLATES = 20
"""The largest number of templates of one table and one user, and of one table and the shop."""
SHARE = "orders.share_exporttemplate"


@transaction.atomic
def save_template(
    *, actor: User, table: str, name: str, columns: Sequence[str], file_format: str, for_shop: bool = False
) -> ExportTemplate:
    """Save the columns and the format of a table. A template of the same name and owner is replaced.

    Raise `NotAllowedError` if the name is not valid, if there are too many templates, or if the user may not save
    templates for the shop.
    """
    if for_shop and not actor.has_perm(SHARE):
        raise NotAllowedError(gettext("You may not save templates for the shop."))
    owner = None if for_shop else actor
    lock_names([f"export templates {owner.pk if owner else ''}"])
    name = clean_line(name)
    if not name:
        raise NotAllowedError(gettext("Give the template a name."), field="name")
    refuse_excess(name, LONGEST_NAME, field="name")
    others = ExportTemplate.objects.filter(owner=owner, table=table)
    template = others.filter(name__iexact=name).first()
    if template is None and others.count() >= MOST_TEMPLATES:
        text = gettext("There are already %(limit)s templates. Delete one that is not needed.")
        raise NotAllowedError(text % {"limit": MOST_TEMPLATES})
    template = template or ExportTemplate(owner=owner, table=table)
    template.name, template.columns, template.format = name, list(columns), file_format
    template.save()
    return template


@transaction.atomic
def delete_template(*, template_id: UUID, actor: User) -> ExportTemplate:
    """Delete a template, and return it.

    Raise `ExportTemplate.DoesNotExist` if it belongs to another user, and `NotAllowedError` if it is the shop's and the
    user may not change those.
    """
    template = ExportTemplate.objects.select_for_update().get(pk=template_id)
    if template.owner_id not in (None, actor.pk):
        raise ExportTemplate.DoesNotExist
    if template.owner_id is None and not actor.has_perm(SHARE):
        raise NotAllowedError(gettext("You may not delete templates of the shop."))
    # A scheduled report keeps the columns that it was sent with.
    ReportSchedule.objects.filter(template=template, table=template.table).update(columns=template.columns)
    ExportTemplate.objects.filter(pk=template.pk).delete()
    return template
