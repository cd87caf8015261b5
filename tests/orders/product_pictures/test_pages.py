"""Tests of the pictures on pages and on the work order."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orders.models import OrderItem, Product
from orders.paper.orders_to_print import orders_to_print
from orders.paper.work_order import work_orders
from orders.product_pictures import disk_cache
from orders.product_pictures.links import product_picture
from orders.values.paper_formats import FORMATS, Paper
from tests.orders.admin.conftest import LIST, change_url
from tests.orders.paper.pdf import pdf_text, read
from tests.orders.photos.pictures import picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def pictured(make_order, product, picture_site):
    """Return an order with a product that has a picture, and a free item without one."""
    picture_site.has("/upload/rose.jpg")
    free = {"ID": "2", "PRODUCT_ID": "0", "NAME": "Шары", "PRICE": "500", "QUANTITY": "5"}
    rose = {"ID": "1", "PRODUCT_ID": "696613", "NAME": "Букет Стандарт", "PRICE": "7500", "QUANTITY": "1"}
    return make_order(basket=[rose, free])


def pictures_in(html):
    return re.findall(r'<img class="crm-picture[^>]+>', html)


def test_list_has_a_small_lazy_picture_of_the_first_item(browser, pictured, product, picture_site):
    (shown,) = pictures_in(browser.get(LIST, {"preset": "all"}).content.decode())
    assert product_picture(product) in shown
    for attribute in ('alt=""', 'width="40"', 'height="40"', 'loading="lazy"'):
        assert attribute in shown
    assert picture_site.paths == []  # a list never waits for the site


def test_list_has_the_picture_sent_with_the_item_of_an_unknown_product(browser, make_order):
    line = {"ID": "1", "PRODUCT_ID": "0", "NAME": "На заказ", "PRICE": "1", "QUANTITY": "1", "PICTURE": "/upload/a.jpg"}
    item = make_order(basket=[line]).items.select_related("product").get()
    (shown,) = pictures_in(browser.get(LIST, {"preset": "all"}).content.decode())
    assert f"/crm/items/{item.pk}/thumbnail/?v=" in shown


def test_row_without_a_picture_has_no_square(browser, make_order):
    make_order()
    html = browser.get(LIST, {"preset": "all"}).content.decode()
    assert pictures_in(html) == []
    assert "crm-picture-40" not in html


def test_pictures_add_no_queries_to_the_list(browser, make_order, product):
    def queries():
        browser.get(LIST, {"preset": "all"})
        with CaptureQueriesContext(
            connection,
        ) as found:
            browser.get(LIST, {"preset": "all"})
        return len(found)

    make_order(122300)
    one = queries()
    for number in range(122301, 122306):
        make_order(number)
    assert queries() == one


def test_order_page_has_pictures_in_the_composition_and_in_its_inputs(browser, pictured, product, picture_site):
    html = browser.get(change_url(pictured)).content.decode()
    in_composition, in_inputs = pictures_in(html)
    assert product_picture(product) in in_composition
    assert 'width="56"' in in_composition
    assert f"{product_picture(product)}&amp;size=large" in html, "a tap shows the larger picture"
    assert product_picture(product) in in_inputs
    assert "Картинка: Букет Стандарт" in html
    assert picture_site.paths == []
    assert "127.0.0.1" not in html  # the browser never gets the address on the site


def test_florist_who_may_only_read_sees_pictures(browser_of, pictured, product):
    html = browser_of("orders.view_order").get(change_url(pictured)).content.decode()
    (shown,) = pictures_in(html)
    assert product_picture(product) in shown
    html = browser_of("orders.view_order", "orders.make_order").get(change_url(pictured)).content.decode()
    (shown,) = pictures_in(html)
    assert f"{product_picture(product)}&amp;size=large" in shown
    assert 'width="96"' in shown


def test_product_search_of_new_order_has_pictures(browser, product, django_assert_num_queries):
    Product.objects.create(name="Букет без картинки")
    with django_assert_num_queries(3):  # session, user, products
        found = browser.get(reverse("admin:orders_order_add_products"), {"q": "букет"}).json()["found"]
    assert [one["picture"] for one in found] == [product_picture(product), ""]


def test_repeated_order_shows_pictures_of_products(browser, pictured, product):
    html = browser.get(reverse("admin:orders_order_add"), {"from": str(pictured.pk)}).content.decode()
    assert f'src="{reverse("product_thumbnail", args=[product.pk])}"' in html


@pytest.mark.parametrize("key", ["x", "00000000", "{{", "' onerror="])
def test_malformed_product_of_new_order_has_no_picture(browser, key):
    line = {"items-TOTAL_FORMS": "1", "items-INITIAL_FORMS": "0", "items-0-product": key, "items-0-name": "Букет"}
    answer = browser.post(reverse("admin:orders_order_add"), line)
    assert answer.status_code == 200
    assert answer.content.decode().count("/thumbnail/") == 1  # the URL from which the script makes others


def test_product_list_and_page_show_the_picture(browser, product):
    html = browser.get(reverse("admin:orders_product_changelist")).content.decode()
    assert product_picture(product) in pictures_in(html)[0]
    html = browser.get(reverse("admin:orders_product_change", args=[product.pk])).content.decode()
    assert f"{product_picture(product)}&amp;size=large" in pictures_in(html)[0]


@pytest.mark.parametrize(
    ("address", "is_accepted"),
    [("/upload/new.jpg", True), ("", True), ("https://evil.example/a.jpg", False), ("картинка.jpg", False)],
)
def test_address_that_may_not_be_fetched_is_refused_on_the_page_of_a_product(
    browser, product, picture_site, address, is_accepted
):
    Product.objects.filter(pk=product.pk).update(picture_source="DETAIL_PICTURE")
    form = {"name": product.name, "image_url": address, "is_active": "on"}
    answer = browser.post(reverse("admin:orders_product_change", args=[product.pk]), form)
    product.refresh_from_db()
    assert answer.status_code == (302 if is_accepted else 200)
    expected = (address, "") if is_accepted else ("/upload/rose.jpg", "DETAIL_PICTURE")
    assert (product.image_url, product.picture_source) == expected
    assert is_accepted or "путь на сайте" in answer.content.decode()


def images_of(content):
    return [image for page in read(content).pages for image in page.images]


SIZES = pytest.mark.parametrize("size", FORMATS[Paper.WORK_ORDER], ids=lambda size: size.name)


@SIZES
def test_work_order_has_the_picture(pictured, picture_site, size):
    content = work_orders(orders_to_print(type(pictured).objects.all(), [pictured.pk]), size)
    assert len(images_of(content)) == 1
    assert "Букет Стандарт" in pdf_text(content)
    assert "5 × Шары" in pdf_text(content)


@SIZES
@pytest.mark.parametrize("fault", ["missing", "no site", "damaged"])
def test_work_order_is_printed_without_a_picture_that_is_not_there(pictured, picture_site, settings, size, fault):
    if fault == "missing":
        picture_site.answers.clear()
    elif fault == "no site":
        settings.SITE_URL = ""
    else:
        disk_cache.store(disk_cache.key_of(f"{picture_site.url}/upload/rose.jpg"), {"large": b"no picture"})
    content = work_orders(orders_to_print(type(pictured).objects.all(), [pictured.pk]), size)
    assert images_of(content) == []
    assert "Букет Стандарт" in pdf_text(content)


def test_equal_items_of_a_work_order_have_one_picture(pictured, picture_site):
    row = pictured.items.get(bitrix_basket_id=1)
    OrderItem.objects.filter(pk=row.pk).update(quantity=2)
    OrderItem.objects.create(order=pictured, product=row.product, position=9, product_snapshot=row.product_snapshot)
    content = work_orders(orders_to_print(type(pictured).objects.all(), [pictured.pk]), FORMATS[Paper.WORK_ORDER][0])
    assert "3 × Букет Стандарт" in pdf_text(content)
    assert len(images_of(content)) == 1


def test_reading_orders_to_print_takes_two_queries(pictured, picture_site, django_assert_num_queries):
    picture_site.has("/upload/rose.jpg", picture())
    with django_assert_num_queries(2):
        work_orders(orders_to_print(type(pictured).objects.all(), [pictured.pk]), FORMATS[Paper.WORK_ORDER][0])
