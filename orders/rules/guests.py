"""How the account is recognised under which the site books the orders of all guests. It is not a customer."""

import re

AUTH_ID = "saleanonymous"
"""EXTERNAL_AUTH_ID of the account that `CSaleUser::GetAnonymousUserID` makes."""
MOST_PHONES = 5
"""The largest number of different phones with which one person orders under an account.

A person has a private and a business phone and may order with those of the family. Bitrix's account for guests has more
after a few orders. If an account is taken for a shared one by mistake, its orders are still given to the customers that
their contacts name, so a low limit does little harm, while a high one joins strangers who have the same first name.
"""

_LOGIN = re.compile(r"anonymous_[0-9a-z]{1,60}", re.IGNORECASE)
_EMAIL = re.compile(r"anonymous_[0-9a-z]{1,60}@example\.[a-z]{2,10}", re.IGNORECASE)
_NAMES = frozenset({"анонимный пользователь", "anonymous user", "anonymous"})


def is_guest_account(*, auth_id: str = "", name: str = "", email: str = "", login: str = "") -> bool:
    """Return whether these columns of `b_user` are those of the account for guests. Each of them is enough."""
    return (
        auth_id.strip().casefold() == AUTH_ID
        or " ".join(name.split()).casefold() in _NAMES
        or _EMAIL.fullmatch(email.strip()) is not None
        or _LOGIN.fullmatch(login.strip()) is not None
    )
