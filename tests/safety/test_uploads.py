"""Tests that an upload which is no photo is refused and leaves nothing behind, with any name and content type."""

import struct
import zlib
from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from orders.models import Order, OrderPhoto
from tests.orders.admin.conftest import browser, make_order  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db


def _png_header(width, height):
    """Return a PNG of a few bytes that says it has this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    chunks = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
              for kind, data in parts)  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _jpeg():
    file = BytesIO()
    Image.new("RGB", (64, 48), "pink").save(file, "JPEG")
    return file.getvalue()


HOSTILE = {
    "page": ("photo.jpg", b"<html><script>alert(1)</script></html>", "image/jpeg"),
    "svg": ("photo.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "image/svg+xml"),
    "php": ("photo.jpg.php", b"<?php system($_GET['x']); ?>", "image/jpeg"),
    "zip bomb": ("photo.png", _png_header(60_000, 60_000), "image/png"),
    "empty": ("photo.jpg", b"", "image/jpeg"),
    "pdf": ("photo.jpg", b"%PDF-1.7\n1 0 obj\n<</JS (app.alert(1))>>", "image/jpeg"),
    "postscript": ("photo.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nquit", "image/jpeg"),
    "half a photo": ("photo.jpg", _jpeg()[:200], "image/jpeg"),
}


def upload(browser, order, name, content, kind="image/jpeg"):  # noqa: F811
    path = reverse("admin:orders_order_add_photos", args=[order.pk])
    return browser.post(path, {"photo": SimpleUploadedFile(name, content, kind)}, follow=True)


def stored_files():
    def walk(folder):
        folders, files = default_storage.listdir(folder) if default_storage.exists(folder) else ([], [])
        yield from files
        for one in folders:
            yield from walk(f"{folder}/{one}")

    return list(walk("orders"))


@pytest.mark.parametrize("what", HOSTILE)
def test_file_that_is_no_photo_is_refused(browser, make_order, what):  # noqa: F811
    order, before = make_order(), stored_files()
    answer = upload(browser, order, *HOSTILE[what])
    assert answer.status_code == 200
    assert not OrderPhoto.objects.exists()
    assert stored_files() == before


@pytest.mark.parametrize("name", ["../../../tmp/x.php", "x\r\nSet-Cookie: a=b.jpg", "<img src=x>.jpg", "a" * 5000,
                                  ".htaccess", "photo.jpg\0.php", "con", "🌹\u202egpj.exe"])  # fmt: skip
def test_name_of_a_file_is_never_used(browser, make_order, name):  # noqa: F811
    order = make_order()
    upload(browser, order, name, _jpeg())
    for photo in OrderPhoto.objects.all():
        assert photo.image.name.startswith("orders/2")
        assert photo.image.name.endswith(".jpg")
        assert len(photo.image.name) < 60
    assert Order.objects.count() == 1


def test_stored_photo_contains_nothing_but_the_picture(browser, make_order):  # noqa: F811
    upload(browser, make_order(), "photo.jpg", _jpeg() + b"<?php evil(); ?><script>alert(1)</script>")
    content = OrderPhoto.objects.get().image.read()
    assert b"<?php" not in content
    assert b"script" not in content


def test_photo_is_answered_as_a_picture_and_nothing_else(browser, make_order):  # noqa: F811
    order = make_order()
    upload(browser, order, "photo.html", _jpeg(), "text/html")
    photo = OrderPhoto.objects.get()
    answer = browser.get(reverse("admin:orders_orderphoto_full", args=[photo.pk]))
    assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
