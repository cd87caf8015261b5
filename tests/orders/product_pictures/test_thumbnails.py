"""Tests of the URLs of small pictures: fetching, the cache, permissions and failures."""

import io
import time
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse
from PIL import Image

from orders.models import OrderItem, Product
from orders.product_pictures import disk_cache, fetching
from orders.product_pictures.links import item_picture, product_picture
from tests.orders.photos.pictures import BLUE, RED, bomb, picture

pytestmark = pytest.mark.django_db


def url_of(product):
    return reverse("product_thumbnail", args=[product.pk])


def is_placeholder(answer):
    return answer.status_code == 200 and answer["Content-Type"] == "image/svg+xml"


def opened(answer):
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    return Image.open(io.BytesIO(answer.content))


def test_picture_is_fetched_once_and_made_small(browser, product, picture_site):
    picture_site.has("/upload/rose.jpg", picture((2000, 1000)))
    small, large = browser.get(url_of(product)), browser.get(url_of(product), {"size": "large"})
    assert (opened(small).size, opened(large).size) == ((160, 80), (640, 320))
    assert picture_site.paths == ["/upload/rose.jpg"]
    assert not {"Cookie", "Authorization"} & set(picture_site.headers[0])
    assert small["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in small["Content-Security-Policy"]


def test_browser_keeps_picture_for_a_week_and_asks_again_without_digest(browser, product, picture_site):
    picture_site.has("/upload/rose.jpg")
    exact, plain = browser.get(product_picture(product)), browser.get(url_of(product))
    assert (exact["Cache-Control"], plain["Cache-Control"]) == ("private, max-age=604800", "private, no-cache")
    again = browser.get(url_of(product), headers={"If-None-Match": plain["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_changed_picture_has_new_url_and_is_fetched(browser, product, picture_site, post_webhook):
    picture_site.has("/upload/rose.jpg", picture((50, 50)))
    picture_site.has("/upload/tulip.jpg", picture((70, 50)))
    before = product_picture(product)
    assert opened(browser.get(before)).size == (50, 50)
    post_webhook(
        "product.update", {"ID": 696613, "NAME": "Букет", "PROPERTIES": {"ru_img_miniature": "/upload/tulip.jpg"}}
    )
    product.refresh_from_db()
    assert product_picture(product) != before
    assert opened(browser.get(product_picture(product))).size == (70, 50)
    # An old page still gets the present picture, but the browser does not keep it.
    assert browser.get(before)["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("form", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB"), ("GIF", "P"), ("JPEG", "CMYK"), ("JPEG", "L")]
)
def test_picture_of_any_usual_format_is_shown(browser, product, picture_site, form, mode):
    picture_site.has("/upload/rose.jpg", picture((80, 40), form=form, mode=mode))
    image = opened(browser.get(url_of(product)))
    assert (image.format, image.size) == ("JPEG", (80, 40))
    if mode in ("RGB", "RGBA"):
        for x, colour in ((10, RED), (70, BLUE)):
            assert all(abs(a - b) < 25 for a, b in zip(image.getpixel((x, 20)), colour, strict=True))


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", picture()[:200], bomb(20_000, 20_000)]
)
def test_file_that_is_no_picture_shows_placeholder_and_is_not_fetched_again(browser, product, picture_site, content):
    picture_site.has("/upload/rose.jpg", content)
    assert is_placeholder(browser.get(url_of(product)))
    assert is_placeholder(browser.get(url_of(product)))
    assert picture_site.paths == ["/upload/rose.jpg"]


def test_too_large_file_shows_placeholder(browser, product, picture_site, monkeypatch):
    monkeypatch.setattr(fetching, "MOST_BYTES", 1000)
    picture_site.has("/upload/rose.jpg", picture((400, 400)) + b"x" * 1000)
    assert is_placeholder(browser.get(url_of(product)))
    assert disk_cache.failure(disk_cache.key_of(f"{picture_site.url}/upload/rose.jpg")) == "файл слишком велик"


def test_missing_picture_does_not_stop_others(browser, product, picture_site):
    other = Product.objects.create(name="Тюльпаны", image_url="/upload/tulip.jpg")
    picture_site.has("/upload/tulip.jpg")
    assert is_placeholder(browser.get(url_of(product)))
    assert opened(browser.get(url_of(other)))


def test_site_that_fails_is_left_alone_and_asked_again_later(browser, product, picture_site, monkeypatch):
    other = Product.objects.create(name="Тюльпаны", image_url="/upload/tulip.jpg")
    picture_site.has("/upload/rose.jpg", b"", status=503)
    picture_site.has("/upload/tulip.jpg")
    assert is_placeholder(browser.get(url_of(product)))
    answer = browser.get(url_of(other))
    assert is_placeholder(answer)
    assert answer["Cache-Control"] == "private, max-age=60"
    assert picture_site.paths == ["/upload/rose.jpg"]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + fetching.KEEP_DOWN + 1)
    assert opened(browser.get(url_of(other)))


def test_unreachable_site_shows_placeholder(browser, product, picture_cache, settings):
    settings.SITE_URL = "http://127.0.0.1:9"
    assert is_placeholder(browser.get(url_of(product)))


def test_slow_site_is_not_waited_for(browser, product, picture_site, monkeypatch):
    monkeypatch.setattr(fetching, "FETCH_SECONDS", 0.2)
    monkeypatch.setattr(fetching.thumbnail, "__kwdefaults__", {"seconds": 0.2})

    def slow():
        time.sleep(0.5)
        return 200, picture(), {}

    picture_site.answers["/upload/rose.jpg"] = slow
    assert is_placeholder(browser.get(url_of(product)))


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/", "http://evil.example/a.jpg", "file:///etc/passwd"]
)
def test_redirect_to_another_host_is_not_followed(browser, product, picture_site, target):
    picture_site.has("/upload/rose.jpg", b"", status=302, Location=target)
    assert is_placeholder(browser.get(url_of(product)))
    assert picture_site.paths == ["/upload/rose.jpg"]


def test_redirect_within_the_site_is_followed_a_few_times(browser, product, picture_site):
    picture_site.has("/upload/rose.jpg", b"", status=301, Location="/upload/new.jpg")
    picture_site.has("/upload/new.jpg")
    assert opened(browser.get(url_of(product)))
    loop = Product.objects.create(name="Петля", image_url="/loop")
    picture_site.has("/loop", b"", status=302, Location="/loop")
    assert is_placeholder(browser.get(url_of(loop)))
    assert picture_site.paths.count("/loop") == fetching.MOST_REDIRECTS + 1


def test_picture_on_other_host_is_never_fetched(browser, product, picture_site, settings):
    Product.objects.filter(pk=product.pk).update(image_url=f"{picture_site.url}/upload/rose.jpg")
    picture_site.has("/upload/rose.jpg")
    settings.SITE_URL = "https://cvety.kz"
    assert is_placeholder(browser.get(url_of(product)))
    assert picture_site.paths == []
    settings.PICTURE_HOSTS = [picture_site.url.removeprefix("http://")]
    assert opened(browser.get(url_of(product)))


def test_picture_that_is_being_fetched_is_not_fetched_twice(browser, product, picture_site):
    picture_site.has("/upload/rose.jpg")
    key = disk_cache.key_of(f"{picture_site.url}/upload/rose.jpg")
    with disk_cache.lock(f"picture-{key[:2]}"):
        answer = browser.get(url_of(product))
    assert (answer.status_code, answer["Cache-Control"], answer.content) == (503, "no-store", b"")
    assert picture_site.paths == []
    assert opened(browser.get(url_of(product)))


def test_only_few_pictures_are_fetched_at_once(browser, product, picture_site):
    picture_site.has("/upload/rose.jpg")
    with disk_cache.lock("fetch-0"):
        assert opened(browser.get(url_of(product)))
    other = Product.objects.create(name="Тюльпаны", image_url="/upload/rose.jpg?2")
    with disk_cache.lock("fetch-0"), disk_cache.lock("fetch-1"):
        assert browser.get(url_of(other)).status_code == 503
        assert opened(browser.get(url_of(product)))  # a stored picture needs no slot


def test_picture_is_shown_without_a_folder_for_the_cache(browser, product, picture_site, settings):
    settings.PICTURE_CACHE_DIR = "/dev/null/pictures"
    picture_site.has("/upload/rose.jpg")
    assert opened(browser.get(url_of(product)))


def test_network_is_not_used_in_a_transaction(browser, product, picture_site, monkeypatch, transactional_db):
    seen = []
    real = fetching.get_file
    monkeypatch.setattr(fetching, "get_file", lambda *a, **k: seen.append(connection.in_atomic_block) or real(*a, **k))
    picture_site.has("/upload/rose.jpg")
    assert opened(browser.get(url_of(product)))
    assert seen == [False]


def test_product_without_picture_shows_placeholder(browser, picture_site):
    product = Product.objects.create(name="Букет")
    assert product_picture(product) == ""
    assert is_placeholder(browser.get(url_of(product)))
    assert picture_site.paths == []


def test_picture_of_item_is_the_one_sent_with_the_order(browser, make_order, picture_site):
    line = {"ID": "1", "PRODUCT_ID": "0", "NAME": "Букет на заказ", "PRICE": "7500", "QUANTITY": "1"}
    picture_site.has("/upload/line.jpg")
    order = make_order(basket=[line | {"PICTURE": "/upload/line.jpg"}])
    item = OrderItem.objects.select_related("product").get(order=order)
    assert item_picture(item).startswith(f"/crm/items/{item.pk}/thumbnail/?v=")
    assert opened(browser.get(item_picture(item)))


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [
        (("orders.view_order",), (True, True)),
        (("orders.change_order",), (True, True)),
        (("orders.add_order",), (True, False)),
        (("orders.view_product",), (True, False)),
        (("orders.view_customer", "orders.view_courier"), (False, False)),
        ((), (False, False)),
    ],
)
def test_only_users_who_see_orders_or_products_see_pictures(browser_of, make_order, picture_site, rights, allowed):
    line = {"ID": "1", "PRODUCT_ID": "5", "NAME": "Букет", "PRICE": "7500", "QUANTITY": "1"}
    item = make_order(basket=[line | {"PICTURE": "/upload/rose.jpg"}]).items.get()
    picture_site.has("/upload/rose.jpg")
    user = browser_of(*rights)
    urls = url_of(item.product), reverse("item_thumbnail", args=[item.pk])
    assert tuple(user.get(url).status_code == 200 for url in urls) == allowed
    assert tuple(user.get(url).status_code == 403 for url in urls) == tuple(not one for one in allowed)


def test_strangers_unknown_keys_and_other_methods_are_refused(client, browser, product, picture_site):
    for name in ("product_thumbnail", "item_thumbnail"):
        assert browser.get(reverse(name, args=[uuid4()])).status_code == 404
        assert browser.post(reverse(name, args=[product.pk])).status_code == 405
        assert client.get(reverse(name, args=[product.pk])).status_code == 302
    assert picture_site.paths == []
