"""The user class. Other modules import it from this module, so that it can be replaced in one place."""

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from cvety_crm.models import User

__all__ = ["AnonymousUser", "AnyUser", "User", "display_name", "staff_user"]

AnyUser = User | AnonymousUser


def staff_user(request: HttpRequest) -> User:
    """Return the user who sent the request.

    Raise `PermissionDenied` if the user is anonymous.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def display_name(user: User | None) -> str:
    """Return the full name of a member of staff, or the username if there is no full name.

    Return an empty string for None.
    """
    return (user.get_full_name() or user.get_username()) if user is not None else ""
