"""The users of the site, who are found by id or by phone or are registered with their first order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

User = dict[str, Any]

ANONYMOUS = "saleanonymous"


def phone_digits(phone: str) -> str:
    """Return the last ten digits of a phone, or an empty string if the phone has fewer digits.

    So 8701… and +7 (701) … are the same phone.
    """
    digits = "".join(character for character in phone if character in "0123456789")
    return digits[-10:] if len(digits) >= 10 else ""


def new_user(user_id: int, properties: dict[str, Any]) -> User:
    """Return a user made from the properties `name`, `phone` and `email` of an order.

    A customer without an e-mail address gets a placeholder, as on the site, because the column must not be empty. No
    one can own a domain under .invalid.
    """
    phone = str(properties.get("phone") or "")
    digits = phone_digits(phone)
    return {
        "ID": str(user_id),
        "LOGIN": digits or f"user{user_id}",
        "NAME": str(properties.get("name") or ""),
        "LAST_NAME": "",
        "EMAIL": str(properties.get("email") or "") or f"noemail{digits}@noemail.invalid",
        "PERSONAL_PHONE": phone,
        "PERSONAL_MOBILE": "",
        "EXTERNAL_AUTH_ID": None,
        "IS_GUEST_ACCOUNT": "N",
    }


def anonymous_user(user_id: int) -> User:
    """Return the account that Bitrix uses for all guests."""
    login = f"anonymous_{user_id:09d}"
    return {
        "ID": str(user_id),
        "LOGIN": login,
        "NAME": "Анонимный пользователь",
        "LAST_NAME": "",
        "EMAIL": f"{login}@example.com",
        "PERSONAL_PHONE": "",
        "PERSONAL_MOBILE": "",
        "EXTERNAL_AUTH_ID": ANONYMOUS,
        "IS_GUEST_ACCOUNT": "Y",
    }


class Users:
    """All users of the site. The class has no lock of its own: the site holds its lock during each call."""

    def __init__(self, users: list[User], next_id: Callable[[], int]) -> None:
        """Load the stored users. `next_id` returns the id of the next new user."""
        self._by_id: dict[int, User] = {}
        self._by_phone: dict[str, User] = {}
        self._anonymous: User | None = None
        self._next_id = next_id
        for user in users:
            self._remember(user)

    def _remember(self, user: User) -> None:
        self._by_id[int(user["ID"])] = user
        phone = phone_digits(user["PERSONAL_PHONE"])
        if phone:
            self._by_phone.setdefault(phone, user)
        if user.get("EXTERNAL_AUTH_ID") == ANONYMOUS:
            self._anonymous = user

    def customer_of(self, user_id: object, properties: dict[str, Any]) -> tuple[User, bool]:
        """Return the user of an order, and whether they are new.

        A guest without a phone gets the anonymous account. An unknown `user_id` is not refused.
        """
        text = str(user_id or "")
        known = self._by_id.get(int(text)) if text.isascii() and text.isdigit() else None
        phone = phone_digits(str(properties.get("phone") or ""))
        known = known or self._by_phone.get(phone or "-")
        if known is None and not phone:
            known = self._anonymous
        if known:
            return known, False
        user = new_user(self._next_id(), properties) if phone else anonymous_user(self._next_id())
        self._remember(user)
        return user, True
