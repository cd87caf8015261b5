"""Read the customer from the `user` of an order's payload, from an event about a user, or from order properties."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bitrix_bridge.payloads.amounts import read_id
from bitrix_bridge.payloads.reading import Reader
from bitrix_bridge.payloads.storable import storable
from bitrix_bridge.payloads.translation import ABSENT, Fields, Translation, is_empty, joined
from bitrix_bridge.payloads.values import other_phones, read_flag, read_line, read_phone
from orders.rules.guests import is_guest_account
from orders.rules.site_details import is_phone_of_customer
from orders.sync.snapshot import CustomerSnapshot, Problem
from orders.values.text import clean_line

_EMAIL_LENGTH = 254

_GUEST_COLUMNS = ("EXTERNAL_AUTH_ID", "NAME", "LAST_NAME", "EMAIL", "LOGIN")
_PHONES = ("PHONE", "PERSONAL_PHONE", "PERSONAL_MOBILE", "PHONE_NUMBER")

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,}")
_PLACEHOLDER_LOCAL = re.compile(r"(?:no|non|without|bez)[-_.]?(?:e?[-_.]?mail|reply|pochty)", re.IGNORECASE)
_PLACEHOLDER_DOMAIN = re.compile(
    r"(?:.+\.)?example(?:\.(?:com|net|org|ru|kz))?|.+\.(?:local|localhost|localdomain|invalid|test)|no-?e?mail\..+",
    re.IGNORECASE,
)


def read_customer(data: Mapping[str, Any]) -> CustomerSnapshot | None:
    """Return the customer from the columns of `b_user` in an event about a user.

    Return None if the event contains no id, name, phone or e-mail address, or if it is about Bitrix's account for
    guests. The phone is in `phone`, PERSONAL_PHONE, PERSONAL_MOBILE or PHONE_NUMBER. No exception is raised.
    """
    if _is_guest_account(data):
        return None
    user = Translation(Fields(data))
    customer = _customer(user, user.read("ID", read_id), contacts=Fields({}))
    customer = replace(customer, of_account=frozenset(customer.fields))
    return customer if is_known(customer) else None


def read_orderer(user: Mapping[str, Any] | None, user_id: int | None, contacts: Fields) -> CustomerSnapshot:
    """Return the customer of an order, read from `user` or USER_ID and from `name`, `fio`, `phone` and `email`.

    One technical user may own the orders of many anonymous customers. For this reason, a name or phone that is missing
    in `user` is read from the order's properties. `contacts_only` is True if the id of the account is known, but `user`
    contains neither a name nor a phone. If `user` is Bitrix's account for guests, only the order's properties are read,
    and `contacts_only` is True.
    """
    typed = read_contacts(contacts)
    if user is not None and _is_guest_account(user):
        account = read_id(Fields(user).peek("ID")).value or user_id
        guest = _customer(Translation(Fields({})), None, contacts)
        return replace(guest, contacts_only=True, guest_account=account, typed=typed)
    reading = Translation(Fields(user or {}), where="user.")
    says_who = any(_is_filled(reading.source.peek(name)) for name in ("NAME", *_PHONES))
    own = _customer(Translation(Fields(user or {})), None, Fields({})).fields
    account = reading.read("ID", read_id) or user_id
    return replace(
        _customer(reading, account, contacts),
        contacts_only=account is not None and not says_who,
        typed=typed,
        of_account=frozenset(name for name, value in own.items() if value),
    )


def read_contacts(contacts: Fields) -> dict[str, str | None]:
    """Return the name, the phone and the e-mail address that were entered in an order, and only those that were sent.

    The values that can't be read are kept with the order's other properties.
    """
    typed: dict[str, str | None] = {}
    for column, codes, reader in _CONTACTS:
        sent = [raw for code in codes if (raw := contacts.peek(code)) is not ABSENT]
        if sent:
            filled = [value for raw in sent if (value := reader(joined(raw)))]
            typed[column] = filled[0] if filled else ""
    return typed


def _name_or_empty(raw: Any) -> str:
    return read_line(raw).value or ""


def _phone_or_empty(raw: Any) -> str:
    return read_phone(raw).value or ""


def _is_guest_account(user: Mapping[str, Any]) -> bool:
    """Return whether this is the account that all guests share.

    The bridge compares the account's id with the site's option and says so; other senders only send the columns.
    """
    fields = Fields(user)
    if read_flag(fields.peek("IS_GUEST_ACCOUNT")).value:
        return True
    columns = {name: raw if isinstance(raw := fields.peek(name), str) else "" for name in _GUEST_COLUMNS}
    name = " ".join(part for part in (columns["NAME"], columns["LAST_NAME"]) if part)
    return is_guest_account(
        auth_id=columns["EXTERNAL_AUTH_ID"], name=name, email=columns["EMAIL"], login=columns["LOGIN"]
    )


def is_known(customer: CustomerSnapshot) -> bool:
    """Return whether the customer has an id, a name, a phone or an e-mail address."""
    return customer.bitrix_user_id is not None or any(customer.fields.values())


def _is_filled(raw: Any) -> bool:
    return raw is not ABSENT and not is_empty(raw)


def _customer(user: Translation, user_id: int | None, contacts: Fields) -> CustomerSnapshot:
    _read_name(user, contacts)
    _read_phone(user, contacts)
    _read_email(user, contacts)
    if not _is_filled(user.source.peek("EXTERNAL_AUTH_ID")):
        user.source.take("EXTERNAL_AUTH_ID")
    user.source.take("IS_GUEST_ACCOUNT")
    user.keep_rest()
    return CustomerSnapshot(
        bitrix_user_id=user_id, fields=user.fields, metadata=user.kept, problems=tuple(user.problems)
    )


def _read_name(user: Translation, contacts: Fields) -> None:
    # LAST_NAME without NAME is not a whole name, so it is kept with the other columns.
    has_name = user.source.peek("NAME") is not ABSENT
    if has_name:
        parts = [user.read(name, read_line) for name in ("NAME", "LAST_NAME")]
        whole = " ".join(part for part in parts if part)
        reading = read_line(whole)
        if reading.reason is not None:
            user.flag("NAME", whole, reading.reason)
        user.store("name", whole, reading)
    for code in ("name", "fio"):
        if not user.fields.get("name"):
            _store_contact(user, "name", code, contacts, read_line)


def _read_phone(user: Translation, contacts: Fields) -> None:
    given = [(name, raw) for name in _PHONES if (raw := user.source.peek(name)) is not ABSENT]
    filled = [(name, raw) for name, raw in given if not is_empty(raw)]
    contact = joined(contacts.peek("phone"))
    chosen = next(((name, raw) for name, raw in filled if _is_phone(raw)), None)
    if chosen is None and filled and not _is_phone(contact):
        chosen = filled[0]  # no value is a phone, so the first value is stored as entered
    if chosen is not None:
        name, raw = chosen
        user.source.take(name)
        user.phone(name, "phone", "other_phones", raw)
    else:
        _store_contact(user, "phone", "phone", contacts, read_phone)
    if given:
        user.fields.setdefault("phone", "")
    if "phone" in user.fields:
        others = [raw for name, raw in filled if chosen is None or name != chosen[0]]
        is_contact_used = chosen is None
        others += [
            joined(raw)
            for name, raw in contacts.rest()
            if (name == "phone" and is_contact_used) or is_phone_of_customer(name)
        ]
        lines = other_phones(user.fields["phone"], user.fields.get("other_phones", ""), others)
        if lines:
            user.fields["other_phones"] = lines


def _is_phone(raw: Any) -> bool:
    reading = read_phone(raw)
    return bool(reading.value) and reading.reason is None


def _read_email(user: Translation, contacts: Fields) -> None:
    given = user.source.peek("EMAIL")
    email = _email(given)
    if email is not None:
        user.source.take("EMAIL")
    else:
        email = _email(joined(contacts.peek("email")))
    if email is not None or given is not ABSENT:
        user.fields["email"] = email


def _email(raw: Any) -> str | None:
    """Return the e-mail address in lower case, or None if it is not valid or a placeholder of the site."""
    if not isinstance(raw, str):
        return None
    email = clean_line(raw).casefold()
    if len(email) > _EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        return None
    local, _, domain = email.rpartition("@")
    return None if _PLACEHOLDER_LOCAL.match(local) or _PLACEHOLDER_DOMAIN.fullmatch(domain) else email


def _store_contact(user: Translation, column: str, code: str, contacts: Fields, reader: Reader[str]) -> None:
    """Read a property of the order into a column. The raw value is also kept with the order's other properties."""
    raw = contacts.peek(code)
    if raw is ABSENT or is_empty(raw):
        return
    reading = reader(joined(raw))
    if reading.reason is not None:
        user.problems.append(Problem(f"properties.{code}", storable(raw), reading.reason))
    if reading.value:
        user.store(column, raw, reading)


_CONTACTS: tuple[tuple[str, tuple[str, ...], Callable[[Any], str | None]], ...] = (
    ("name", ("name", "fio"), _name_or_empty),
    ("phone", ("phone",), _phone_or_empty),
    ("email", ("email",), _email),
)
"""Column -> the codes of its properties, and the function that reads one of them."""
