"""What must never get into the CRM: passwords, their hashes, and the words that confirm a change of them."""

import re

# PASSWORD, CHECKWORD, STORED_HASH and CONFIRM_CODE of `b_user`, and CONFIRM_PASSWORD, which its events have in clear.
_SECRET = re.compile(r"password|checkword|stored_?hash|confirm_?code", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Return whether a field of this name must not be kept, whatever it is a field of."""
    return _SECRET.search(name) is not None
