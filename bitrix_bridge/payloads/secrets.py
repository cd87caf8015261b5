"""Names of fields that the CRM must never store: passwords, their hashes, and the codes that confirm a new password."""

import re

# PASSWORD, CHECKWORD, STORED_HASH and CONFIRM_CODE are columns of `b_user`. Its events contain CONFIRM_PASSWORD as
# plain text.
_SECRET = re.compile(r"password|checkword|stored_?hash|confirm_?code", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Return whether a field with this name must not be stored, in any kind of object."""
    return _SECRET.search(name) is not None
