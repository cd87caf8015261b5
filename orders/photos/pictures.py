"""The conversion of uploaded pictures, which are checked, turned upright, shrunk and encoded again as JPEG.

Only the pixels of the uploaded file are kept, without location, name and other metadata.
"""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from django.utils.translation import gettext
from PIL import Image, ImageCms, ImageOps

from orders.exceptions import NotAllowedError

MOST_BYTES = 15 * 1024 * 1024
MOST_PIXELS = 64_000_000
"""The limit for a JPEG, which is more than a phone's camera produces. A JPEG is decoded at reduced size, in about 50 MB
of memory."""
MOST_PIXELS_WHOLE = 16_000_000
"""The limit for formats decoded at full size: PNG, WebP and progressive JPEG. The worst case (WebP) takes 250 MB."""
LONGEST_SIDE = 2000  # pixels
THUMBNAIL_SIDE = 480
QUALITY = 82
FORMATS = ("JPEG", "PNG", "WEBP")
_WHITE = (255, 255, 255)
_PHONE_FORMATS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
"""The brands of HEIF (ISO 23008-12) and AVIF files. In a file, the brand follows `ftyp`."""


class PictureRefusedError(NotAllowedError):
    """The error that a file is not accepted as a picture. The message is for the user who has uploaded the file."""


class UnreadablePictureError(Exception):
    """The error that a file from another system is not a picture that can be shown."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and its small copy, both as JPEG. Sizes are in pixels."""

    image: bytes
    thumbnail: bytes
    width: int
    height: int


def read_picture(file: BinaryIO, size: int) -> Picture:
    """Return the picture in an uploaded file of `size` bytes. Raise `PictureRefusedError` if it is not accepted."""
    if size > MOST_BYTES:
        raise PictureRefusedError(
            gettext("The photo is too large: at most %(limit)s MB.") % {"limit": MOST_BYTES // 1024 // 1024}
        )
    content = file.read(MOST_BYTES + 1)
    if content[4:8] == b"ftyp" and content[8:12] in _PHONE_FORMATS:
        raise PictureRefusedError(
            gettext(
                "The phone saves photos as HEIC, which can't be read here. Choose “Most Compatible” (JPEG) in the"
                " camera's settings, or send a screenshot of the photo."
            )
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = _pixels(content)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(MOST_PIXELS_WHOLE) from error
    except PictureRefusedError:
        raise
    # Pillow raises many kinds of errors for a damaged file, such as struct.error, IndexError and zlib.error.
    except Exception as error:
        raise PictureRefusedError(
            gettext("This is no photo: only JPEG, PNG and WebP pictures can be added.")
        ) from error
    return Picture(_jpeg(image), _jpeg(_smaller(image, THUMBNAIL_SIDE)), image.width, image.height)


def read_thumbnails(content: bytes, sides: Sequence[int]) -> list[bytes]:
    """Return small copies of a picture as JPEG, whose longer side has at most each of these numbers of pixels.

    Raise `UnreadablePictureError` if the content is not a picture of an accepted format, or has too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = _pixels(content, max(sides), (*FORMATS, "GIF"))
    # Pillow raises many kinds of errors for a damaged file, such as struct.error, IndexError and zlib.error.
    except Exception as error:
        raise UnreadablePictureError(type(error).__name__) from error
    return [_jpeg(_smaller(image, side)) for side in sides]


def _smaller(image: Image.Image, side: int) -> Image.Image:
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def _pixels(content: bytes, longest_side: int = LONGEST_SIDE, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Return the picture shrunk, upright, in sRGB, on white, and without metadata."""
    _checked(content, formats).verify()
    image: Image.Image = _checked(content, formats)  # a verified image can't be read again
    image.draft("RGB", (longest_side, longest_side))  # a large JPEG is decoded at a fraction of its size
    profile = image.info.get("icc_profile")
    if image.mode not in ("RGB", "L", "CMYK"):
        image = image.convert("RGBA")  # a palette can't be shrunk smoothly
    # Shrinking comes first because every later step makes a copy.
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    image = ImageOps.exif_transpose(image)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*_WHITE, 255)), image)
    image = _in_srgb(image, profile).convert("RGB")
    image.info = {}  # the comment would be written to the new file
    return image


def _checked(content: bytes, formats: tuple[str, ...]) -> Image.Image:
    image = Image.open(io.BytesIO(content), formats=formats)
    is_whole = image.format != "JPEG" or "progressive" in image.info
    most = MOST_PIXELS_WHOLE if is_whole else MOST_PIXELS
    if image.width * image.height > most:
        raise _too_many_pixels(most)
    return image


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    # Phones use wider colour spaces. If these pictures were read as sRGB, roses would look faded.
    if not profile or image.mode not in ("RGB", "CMYK"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image
    return converted or image


def _jpeg(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return written.getvalue()


def _too_many_pixels(most: int) -> PictureRefusedError:
    limit = most // 1_000_000
    return PictureRefusedError(gettext("The photo has too many pixels: at most %(limit)s million.") % {"limit": limit})
