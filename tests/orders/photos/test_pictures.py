"""Tests of uploaded pictures: they are read safely, rotated upright, shrunk, and stored without metadata."""

import io

import pytest
from PIL import Image, ImageCms

from orders.photos.pictures import MOST_BYTES, Picture, PictureRefusedError, read_picture
from tests.orders.photos.pictures import BLUE, RED, bomb, encoded, phone_photo, picture


def read(content: bytes) -> Picture:
    return read_picture(io.BytesIO(content), len(content))


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    assert (image.format, image.mode) == ("JPEG", "RGB")
    return image


def is_near(colour, wanted, by=12) -> bool:
    return all(abs(one - other) <= by for one, other in zip(colour, wanted, strict=True))


@pytest.mark.parametrize(("form", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGB"),
                                             ("PNG", "P"), ("PNG", "1"), ("WEBP", "RGB")])  # fmt: skip
def test_every_format_is_converted_to_jpeg(form, mode):
    image = opened(read(picture(form=form, mode=mode)).image)
    assert image.size == (60, 40)
    if mode in ("RGB", "P", "CMYK"):
        assert is_near(image.getpixel((10, 20)), RED, 40)
        assert is_near(image.getpixel((50, 20)), BLUE, 40)


def test_large_photo_is_shrunk_and_gets_thumbnail():
    made = read(picture((3000, 4500)))
    assert (made.width, made.height) == opened(made.image).size == (1333, 2000)
    assert opened(made.thumbnail).size == (320, 480)


def test_photo_is_rotated_by_exif_orientation():
    # After the rotation by 90° clockwise, the left half is at the top.
    image = opened(read(phone_photo((60, 40))).image)
    assert image.size == (40, 60)
    assert is_near(image.getpixel((20, 10)), RED)
    assert is_near(image.getpixel((20, 50)), BLUE)


def test_metadata_of_photo_is_removed():
    content = phone_photo()
    assert Image.open(io.BytesIO(content)).getexif().get_ifd(0x8825)  # the uploaded file contains the location
    made = read(content)
    for written in (made.image, made.thumbnail):
        assert not [word for word in (b"Secret", b"Exif", b"GPS", b"xmp", b"ICC_PROFILE") if word in written]
        assert dict(opened(written).getexif()) == {}


def test_transparent_pixels_become_white():
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 20, 40))
    made = opened(read(encoded(image, "PNG")).image)
    assert is_near(made.getpixel((35, 20)), (255, 255, 255), 4)
    assert is_near(made.getpixel((5, 20)), RED)


def test_colour_profile_is_applied_and_broken_one_ignored():
    grey = encoded(Image.new("RGB", (20, 20), (120, 120, 120)),
                   icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())  # fmt: skip
    assert is_near(opened(read(grey).image).getpixel((5, 5)), (120, 120, 120), 3)
    assert opened(read(picture(icc_profile=b"no profile")).image).size == (60, 40)


@pytest.mark.parametrize("size", [(4001, 4000), (9000, 9000), (20000, 20000), (60000, 60000)])
def test_decompression_bomb_is_refused_before_decoding(size):
    with pytest.raises(PictureRefusedError, match="больше 16 мегапикселей"):
        read(bomb(*size))


@pytest.mark.parametrize(("progressive", "refused"), [(True, True), (False, False)])
def test_baseline_jpeg_may_be_larger_than_progressive_one(progressive, refused):
    content = picture((5200, 3200), progressive=progressive)
    if refused:
        with pytest.raises(PictureRefusedError, match="больше 16 мегапикселей"):
            read(content)
    else:
        assert read(content).width == 2000


def test_transparent_picture_is_shrunk_before_it_is_copied(monkeypatch):
    seen = []
    compose = Image.alpha_composite
    monkeypatch.setattr(Image, "alpha_composite", lambda under, over: seen.append(over.size) or compose(under, over))
    made = opened(read(encoded(Image.new("RGBA", (2400, 3000), (*RED, 128)), "PNG", compress_level=1)).image)
    assert (seen, made.size) == ([(1600, 2000)], (1600, 2000))
    assert is_near(made.getpixel((5, 5)), (227, 142, 142), 4)


@pytest.mark.parametrize("content", [b"", b"a text", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\xff\xd8\xff\xe0",
                                      bomb(30, 30), encoded(Image.new("RGB", (9, 9)), "GIF"),
                                      encoded(Image.new("RGB", (9, 9)), "TIFF")])  # fmt: skip
def test_file_that_is_not_a_photo_is_refused(content):
    with pytest.raises(PictureRefusedError, match="Это не фото"):
        read(content)


def test_truncated_photo_is_refused():
    with pytest.raises(PictureRefusedError, match="Это не фото"):
        read(picture((400, 400), quality=95)[:-600])


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_heic_is_refused_with_advice(brand):
    with pytest.raises(PictureRefusedError, match="Наиболее совместимые"):
        read(b"\0\0\0\x18ftyp" + brand + b"\0" * 100)


def test_too_large_file_is_refused_without_reading():
    with pytest.raises(PictureRefusedError, match="не больше 15"):
        read_picture(io.BytesIO(), MOST_BYTES + 1)
