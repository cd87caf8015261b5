"""The URLs of small pictures in the CRM. The URL contains a digest of the address, so it changes with the picture."""

from hashlib import md5
from uuid import UUID

from django.urls import reverse

from orders.models import OrderItem, Product

DIGITS = 8
"""The length of the digest. The order list computes the same digest in the database."""


def digest(address: str) -> str:
    """Return the digest of the address of a picture on the site."""
    return md5(address.encode(), usedforsecurity=False).hexdigest()[:DIGITS]


def line_address(item: OrderItem) -> str:
    """Return the address of the picture that the site has sent with the item, or an empty string."""
    address = item.product_snapshot.get("picture")
    return address if isinstance(address, str) else ""


def picture_address(item: OrderItem) -> str:
    """Return the address of the item's picture on the site: that of its product, or the one sent with the item.

    The item must be loaded with its product.
    """
    product = item.product
    return (product.image_url if product is not None else "") or line_address(item)


def item_picture(item: OrderItem) -> str:
    """Return the URL of the item's small picture, or an empty string. The item must be loaded with its product."""
    if item.product is not None and item.product.image_url:
        return product_picture(item.product)
    address = line_address(item)
    return picture_url(item.pk, digest(address), is_item=True) if address else ""


def product_picture(product: Product) -> str:
    """Return the URL of the product's small picture, or an empty string if the product has no picture."""
    return picture_url(product.pk, digest(product.image_url)) if product.image_url else ""


def picture_url(key: UUID, version: str, *, is_item: bool = False) -> str:
    """Return the URL of the small picture of a product, or of an item."""
    return f"{reverse('item_thumbnail' if is_item else 'product_thumbnail', args=[key])}?v={version}"


def large(url: str) -> str:
    """Return the URL of the larger copy of a picture."""
    return f"{url}&size=large" if url else ""
