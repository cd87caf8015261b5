"""The customer's link to the photos of the bouquet.

The link is signed, so it can't be forged. It stops working when the nonce in the row changes, or when it expires.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from orders.models import PhotoApproval, long_columns

NONCE_BYTES = 16
# The separator is a dot because messengers would escape a colon.
_SEPARATOR, _SALT = ".", "orders.photos.links"


def new_nonce() -> str:
    """Return a nonce for a new link. The previous link stops working when the nonce is stored."""
    return secrets.token_hex(NONCE_BYTES)


def photo_token(approval: PhotoApproval) -> str:
    """Return the secret token of an approval's link."""
    packed = approval.pk.bytes + bytes.fromhex(approval.nonce)
    return _signer().sign(urlsafe_b64encode(packed).rstrip(b"=").decode())


def photo_url(approval: PhotoApproval) -> str:
    """Return the URL of the approval page, which staff send to the customer."""
    return settings.PUBLIC_URL + reverse("approval", args=[photo_token(approval)])


def find_approval(token: str) -> PhotoApproval | None:
    """Return the approval that belongs to the token, with its order and shop, or None if the link does not work.

    This makes at most one query.
    """
    try:
        packed = urlsafe_b64decode(_signer().unsign(token) + "=")
        key = UUID(bytes=packed[:16])
    except (BadSignature, NotBase64, ValueError):
        return None
    found = PhotoApproval.objects.select_related("order__shop").defer(*long_columns("order")).filter(pk=key).first()
    if found is None or not found.is_open or found.order.is_deleted_on_site:
        return None
    return found if constant_time_compare(found.nonce, packed[16:].hex()) else None


def _signer() -> Signer:
    return Signer(salt=_SALT, sep=_SEPARATOR)
