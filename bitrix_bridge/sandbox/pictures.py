"""The pictures of the sandbox's products. They are drawn on demand, always in the same way."""

from __future__ import annotations

import io
import random
from functools import lru_cache

from PIL import Image, ImageDraw

from .reference import PRODUCTS_BY_ID

UPLOAD_PATH = "/upload/iblock/"
SIDE = 600  # pixels
FLOWERS = ((190, 24, 60), (236, 110, 150), (250, 215, 90), (245, 240, 235), (150, 90, 190), (240, 140, 60))
GREENS = ((60, 110, 60), (84, 138, 84), (110, 160, 96))


def picture_path(product_id: int) -> str:
    """Return the path of the product's picture on the site, or an empty string for a product without a picture."""
    return f"{UPLOAD_PATH}{product_id}.jpg" if product_id in PRODUCTS_BY_ID else ""


def picture_at(path: str) -> bytes | None:
    """Return the picture at this path as JPEG, or None if there is none."""
    name = path.removeprefix(UPLOAD_PATH).removesuffix(".jpg")
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 10 else 0
    return _drawn(number) if picture_path(number) == path else None


@lru_cache(maxsize=len(PRODUCTS_BY_ID))
def _drawn(product_id: int) -> bytes:
    source = random.Random(product_id)
    image = Image.new("RGB", (SIDE, SIDE), (238, 236, 230))
    draw = ImageDraw.Draw(image)
    centre, radius = SIDE // 2, SIDE // 3
    for _ in range(9):
        x = centre + source.randint(-60, 60)
        draw.line((x, SIDE, centre + source.randint(-radius, radius), centre), source.choice(GREENS), 12)
    colours = source.sample(FLOWERS, 2)
    for _ in range(40):
        x, y = centre + source.randint(-radius, radius), centre - 60 + source.randint(-radius, radius)
        size = source.randint(28, 56)
        colour = source.choice((*colours, *colours, source.choice(GREENS)))
        draw.ellipse((x - size, y - size, x + size, y + size), colour)
        draw.ellipse((x - size // 3, y - size // 3, x + size // 3, y + size // 3), colours[0])
    content = io.BytesIO()
    image.save(content, "JPEG", quality=85)
    return content.getvalue()
