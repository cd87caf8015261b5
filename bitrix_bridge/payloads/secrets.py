"""Recognize fields that the CRM must never store: passwords, hashes of passwords, and codes that confirm a password."""

import re

# PASSWORD, CHECKWORD, STORED_HASH and CONFIRM_CODE are columns of `b_user`. The site's events about users contain
# CONFIRM_PASSWORD without encryption.
_SECRET = re.compile(r"password|checkword|stored_?hash|confirm_?code", re.IGNORECASE)


# The name with its spellings in JSON, in a form, in multipart and in a serialized array, and then the value. The value
# ends at the first character that cannot be part of it.
_SECRET_IN_TEXT = re.compile(
    r"""((?:password|checkword|stored_?hash|confirm_?code|token)\w{0,64}(?:\]|%5D)?)"""  # the name
    # what separates it from the value
    r"""([\\"']*+(?:\s*+(?:[:=;]|=>|%3D)|[^\S\r\n]*+(?:\r?\n){2})\s*+(?:s:\d+:)?[\\"']*+)"""
    r"""[^\\"'&\r\n]+""",
    re.IGNORECASE,
)


def mask_secrets(text: str, mask: str) -> str:
    """Return a text that could not be parsed, with the value of each secret field and of each token replaced."""
    return _SECRET_IN_TEXT.sub(lambda found: found[1] + found[2] + mask, text)


def is_secret(name: str) -> bool:
    """Return whether a field with this name must not be stored. The kind of the object does not matter."""
    return _SECRET.search(name) is not None
