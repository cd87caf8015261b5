"""Services that create, update and deactivate products as the site's catalogue changes."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext

from orders.models import PictureSource, Product
from orders.sync.freshness import is_in_future
from orders.sync.snapshot import ProductSnapshot


@transaction.atomic
def apply_product(*, snapshot: ProductSnapshot) -> tuple[Product, str]:
    """Create or update a product from the site. Return the product and `created`, `updated`, `unchanged` or `stale`.

    The catalogue belongs to the site, so the site's values replace our values. An outdated event changes nothing.
    """
    name = snapshot.fields.get("name") or gettext("Product %(id)s") % {"id": snapshot.bitrix_product_id}
    # The key does not change, so other transactions may insert items of this product without waiting for this one.
    product, is_new = Product.objects.select_for_update(no_key=True).get_or_create(
        bitrix_product_id=snapshot.bitrix_product_id, defaults={"name": name, "needs_attention": True}
    )
    stored_at = product.bitrix_updated_at
    # A stored time in the future is wrong, so it does not show that this event is outdated.
    is_comparable = not is_in_future(stored_at, timezone.now())
    if snapshot.updated_at and stored_at and snapshot.updated_at < stored_at and is_comparable:
        return product, "stale"

    fields = _with_parents_picture(product, snapshot)
    changed = [field for field, value in fields.items() if getattr(product, field) != value]
    for field in changed:
        setattr(product, field, fields[field])
    metadata = {**product.metadata, **snapshot.metadata}
    if metadata != product.metadata:
        product.metadata = metadata
        changed.append("metadata")
    if snapshot.updated_at and snapshot.updated_at != product.bitrix_updated_at:
        product.bitrix_updated_at = snapshot.updated_at
        changed.append("bitrix_updated_at")
    if product.needs_attention and snapshot.fields.get("name"):
        product.needs_attention = False
        changed.append("needs_attention")
    if changed:
        product.save(update_fields=[*changed, "updated_at"])
    if "image_url" in changed:
        _pass_picture_on(product)
    return product, "created" if is_new else "updated" if changed else "unchanged"


def _with_parents_picture(product: Product, snapshot: ProductSnapshot) -> dict[str, Any]:
    """Return the fields of the snapshot. An offer without a picture gets the picture of its product, if it is known."""
    fields = dict(snapshot.fields)
    parent = fields.get("bitrix_parent_id", product.bitrix_parent_id)
    if parent is None or fields.get("image_url", product.image_url):
        return fields
    address = Product.objects.filter(bitrix_product_id=parent).values_list("image_url", flat=True).first()
    return fields | {"image_url": address, "picture_source": PictureSource.PARENT.value} if address else fields


def _pass_picture_on(product: Product) -> None:
    """Set the picture of the product on its offers that have no picture of their own."""
    offers = Product.objects.filter(
        Q(image_url="") | Q(picture_source=PictureSource.PARENT), bitrix_parent_id=product.bitrix_product_id
    ).exclude(image_url=product.image_url)
    source = PictureSource.PARENT.value if product.image_url else ""
    offers.update(image_url=product.image_url, picture_source=source, updated_at=timezone.now())


@transaction.atomic
def retire_product(*, bitrix_product_id: int, when: datetime | None = None) -> bool:
    """Deactivate a product that the site has deleted, and return whether the product was active.

    The row is not deleted, because items refer to it. `when` is the time of the deletion, by default now. An event that
    is older than the deletion does not activate the product again.
    """
    products = Product.objects.filter(bitrix_product_id=bitrix_product_id)
    products.update(bitrix_updated_at=Greatest("bitrix_updated_at", Value(when or timezone.now())))
    return bool(products.filter(is_active=True).update(is_active=False, updated_at=timezone.now()))
