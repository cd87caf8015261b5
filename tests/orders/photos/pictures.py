"""Functions that create pictures like those from phones, with Pillow."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

RED, BLUE = (200, 30, 30), (30, 30, 200)


def picture(size: tuple[int, int] = (60, 40), *, form: str = "JPEG", mode: str = "RGB", **options: Any) -> bytes:
    """Return a picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, size[0], size[1]))
    return encoded(image.convert(mode), form, **options)


def encoded(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    """Return the contents of the image's file in this format."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def phone_photo(size: tuple[int, int] = (60, 40)) -> bytes:
    """Return a photo like one from an upright phone: rotated by EXIF, with a location, a comment and XMP."""
    exif = Image.Exif()
    exif[0x0112] = 6  # the tag Orientation with the value "rotate by 90° clockwise"
    exif[0x010F] = "SecretPhone"
    # The tags of the location.
    exif.get_ifd(0x8825).update({1: "N", 2: (43.0, 14.0, 17.0), 3: "E", 4: (76.0, 53.0, 22.0)})
    return picture(size, exif=exif, comment=b"SecretComment", xmp=b"<x:xmpmeta>SecretXmp</x:xmpmeta>")


def bomb(width: int, height: int) -> bytes:
    """Return a PNG file of a few bytes whose header says that the picture has this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )
