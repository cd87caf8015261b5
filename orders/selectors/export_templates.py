"""The templates of exports that a user may choose."""

from django.db.models import Case, Q, Value, When

from cvety_crm.users import AnyUser
from orders.models import ExportTemplate


def templates_of(user: AnyUser, table: str) -> list[ExportTemplate]:
    """Return the user's own templates of a table, then those of the shop. Make one query."""
    mine_first = Case(When(owner=None, then=Value(1)), default=Value(0))
    return list(
        ExportTemplate.objects.filter(Q(owner=user.pk) | Q(owner=None), table=table).order_by(mine_first, "name")
    )
