"""Recognize fields that the CRM must never store: passwords, hashes of passwords, and codes that confirm a password."""

import re

# PASSWORD, CHECKWORD, STORED_HASH and CONFIRM_CODE are columns of `b_user`. The site's events about users contain
# CONFIRM_PASSWORD without encryption.
_SECRET = re.compile(r"password|checkword|stored_?hash|confirm_?code", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Return whether a field with this name must not be stored. The kind of the object does not matter."""
    return _SECRET.search(name) is not None
