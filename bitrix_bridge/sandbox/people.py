"""The site's users: known by id, found by phone, or registered with their first order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

User = dict[str, Any]

PLACEHOLDER_EMAIL = "noemail@cvety.example"


def phone_digits(phone: str) -> str:
    """A phone reduced to its last ten digits, so that 8701… and +7 (701) … are one phone; '' when too short."""
    digits = "".join(character for character in phone if character in "0123456789")
    return digits[-10:] if len(digits) >= 10 else ""


def new_user(user_id: int, properties: dict[str, Any]) -> User:
    """A user made from an order's properties `name`, `phone`, `email`.

    A phone-only customer gets a placeholder e-mail, as on the site, where the column must not be empty.
    """
    phone = str(properties.get("phone") or "")
    return {
        "ID": str(user_id),
        "LOGIN": phone_digits(phone) or f"user{user_id}",
        "NAME": str(properties.get("name") or ""),
        "LAST_NAME": "",
        "EMAIL": str(properties.get("email") or "") or PLACEHOLDER_EMAIL,
        "PERSONAL_PHONE": phone,
        "PERSONAL_MOBILE": "",
    }


class People:
    """Every user of the site. Not locked: the site calls it under its own lock."""

    def __init__(self, users: list[User], next_id: Callable[[], int]) -> None:
        """`users` as stored, `next_id` gives the id of the next one."""
        self._by_id: dict[int, User] = {}
        self._by_phone: dict[str, User] = {}
        self._next_id = next_id
        for user in users:
            self._remember(user)

    def _remember(self, user: User) -> None:
        self._by_id[int(user["ID"])] = user
        phone = phone_digits(user["PERSONAL_PHONE"])
        if phone:
            self._by_phone.setdefault(phone, user)

    def customer_of(self, user_id: object, properties: dict[str, Any]) -> tuple[User, bool]:
        """The user an order belongs to, and whether they are new. An unknown `user_id` is no reason to refuse."""
        text = str(user_id or "")
        known = self._by_id.get(int(text)) if text.isascii() and text.isdigit() else None
        known = known or self._by_phone.get(phone_digits(str(properties.get("phone") or "")) or "-")
        if known:
            return known, False
        user = new_user(self._next_id(), properties)
        self._remember(user)
        return user, True
