"""The services by which a user saves views of the order list, and chooses its columns."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import RoleView, SavedView
from orders.models.saved_view import LONGEST_NAME
from orders.services.locking import lock_names
from orders.services.validation import refuse_excess
from orders.values.text import clean_line

MOST_VIEWS = 20
"""The largest number of views of one user, and of the shop."""
LONGEST_QUERY = 2000  # characters


@transaction.atomic
def save_view(
    *, actor: User, name: str, query: str, columns: Sequence[str], for_shop: bool = False, roles: Iterable[int] = ()
) -> SavedView:
    """Save a new view of this user, or of the shop, at the end of the views.

    `roles` are the primary keys of the roles for which the list opens with the view. Only a view of the shop can have
    roles. Raise `NotAllowedError` if the name is empty, too long or taken, if the query is too long, or if there are
    too many views.
    """
    owner = None if for_shop else actor
    _lock(owner)
    others = SavedView.objects.filter(owner=owner)
    if others.count() >= MOST_VIEWS:
        raise NotAllowedError(
            gettext("There are already %(limit)s views. Delete one that is not needed.") % {"limit": MOST_VIEWS}
        )
    last = others.aggregate(last=Max("position"))["last"]
    view = SavedView.objects.create(
        owner=owner,
        name=_name(name, others),
        query=_query(query),
        columns=list(columns),
        position=0 if last is None else last + 1,
    )
    _set_roles(view, roles)
    return view


@transaction.atomic
def rename_view(*, view_id: UUID, actor: User, name: str, roles: Iterable[int] = ()) -> SavedView:
    """Set the name of a view and, for a view of the shop, the roles for which the list opens with it.

    Raise `SavedView.DoesNotExist` if the view belongs to another user, and `NotAllowedError` if the name is not valid.
    """
    view = _locked(view_id, actor)
    view.name = _name(name, SavedView.objects.filter(owner=view.owner_id).exclude(pk=view.pk))
    view.save(update_fields=["name", "updated_at"])
    _set_roles(view, roles)
    return view


@transaction.atomic
def change_view(*, view_id: UUID, actor: User, query: str, columns: Sequence[str]) -> SavedView:
    """Set the query and the columns of a view.

    Raise `SavedView.DoesNotExist` if the view belongs to another user, and `NotAllowedError` if the query is too long.
    """
    view = _locked(view_id, actor)
    view.query, view.columns = _query(query), list(columns)
    view.save(update_fields=["query", "columns", "updated_at"])
    return view


@transaction.atomic
def delete_view(*, view_id: UUID, actor: User) -> SavedView:
    """Delete a view, and return it. Raise `SavedView.DoesNotExist` if the view belongs to another user."""
    view = _locked(view_id, actor)
    SavedView.objects.filter(pk=view.pk).delete()
    return view


@transaction.atomic
def move_view(*, view_id: UUID, actor: User, down: bool) -> SavedView:
    """Move a view one place up or down among the views of its owner. The first can't move up, nor the last down.

    Raise `SavedView.DoesNotExist` if the view belongs to another user.
    """
    view = _locked(view_id, actor)
    found = list(SavedView.objects.filter(owner=view.owner_id))
    place = found.index(view)
    other = place + (1 if down else -1)
    if 0 <= other < len(found):
        found[place], found[other] = found[other], found[place]
    for position, one in enumerate(found):
        one.position = position
    SavedView.objects.bulk_update(found, ["position"])
    return view


def choose_columns(*, user: User, columns: Sequence[str]) -> None:
    """Set the user's columns of the order list. No columns means the default columns."""
    user.list_columns = list(columns)
    user.save(update_fields=["list_columns"])


def _lock(owner: User | None) -> None:
    """Lock the views of a user or of the shop until the end of the transaction, so that their number is certain."""
    lock_names([f"saved views {owner.pk if owner else ''}"])


def _locked(view_id: UUID, actor: User) -> SavedView:
    view = SavedView.objects.get(pk=view_id)
    if view.owner_id not in (None, actor.pk):
        raise SavedView.DoesNotExist
    _lock(actor if view.owner_id else None)
    return SavedView.objects.select_for_update().get(pk=view_id)


def _name(text: str, others: QuerySet[SavedView]) -> str:
    """Return the name in its stored form. Raise `NotAllowedError` if it is empty, too long, or that of another view."""
    name = clean_line(text)
    if not name:
        raise NotAllowedError(gettext("Give the view a name."), field="name")
    refuse_excess(name, LONGEST_NAME, field="name")
    if others.filter(name__iexact=name).exists():
        text = gettext("There is already a view with the name “%(name)s”.")
        raise NotAllowedError(text % {"name": name}, field="name")
    return name


def _query(text: str) -> str:
    if len(text) > LONGEST_QUERY:
        raise NotAllowedError(gettext("The list has too many filters to be saved."))
    return text


def _set_roles(view: SavedView, roles: Iterable[int]) -> None:
    """Open the list with this view for exactly these roles. Another view of a role loses it."""
    wanted = set(roles) if view.owner_id is None else set()
    RoleView.objects.filter(view=view).exclude(role__in=wanted).delete()
    for group in Group.objects.filter(pk__in=wanted):
        RoleView.objects.update_or_create(role=group, defaults={"view": view})
