"""Tests of how the pictures of products are merged: events of products, offers, and items of orders."""

import re

import pytest

from orders.models import OrderItem, PictureSource, Product

pytestmark = pytest.mark.django_db

PARENT, OFFER = 696613, 696614


@pytest.fixture
def send(post_webhook):
    """Return a function that sends an event of a product, and returns the address and the source of its picture."""

    def send(key, **data):
        answer = post_webhook("product.update", {"ID": key, "NAME": f"Товар {key}", **data})
        assert answer.json()["status"] == "success"
        return picture_of(key)

    return send


def picture_of(key):
    product = Product.objects.get(bitrix_product_id=key)
    return product.image_url, product.picture_source


def test_site_replaces_and_removes_a_picture(send):
    assert send(PARENT, DETAIL_PICTURE="/a.jpg") == ("/a.jpg", PictureSource.DETAIL)
    assert send(PARENT) == ("/a.jpg", PictureSource.DETAIL)
    assert send(PARENT, PROPERTIES={"ru_img_miniature": "/m.jpg"}) == ("/m.jpg", PictureSource.MINIATURE)
    assert send(PARENT, DETAIL_PICTURE="", PREVIEW_PICTURE="") == ("", "")


def test_offer_without_a_picture_has_that_of_its_product(send):
    send(PARENT, DETAIL_PICTURE="/a.jpg")
    link = {"CML2_LINK": str(PARENT)}
    assert send(OFFER, DETAIL_PICTURE="", PROPERTIES=link) == ("/a.jpg", PictureSource.PARENT)
    send(PARENT, DETAIL_PICTURE="/b.jpg")
    assert picture_of(OFFER) == ("/b.jpg", PictureSource.PARENT)
    send(PARENT, DETAIL_PICTURE="")
    assert picture_of(OFFER) == ("", "")
    send(PARENT, PREVIEW_PICTURE="/c.jpg")
    assert picture_of(OFFER) == ("/c.jpg", PictureSource.PARENT)
    assert send(OFFER, DETAIL_PICTURE="/own.jpg", PROPERTIES=link) == ("/own.jpg", PictureSource.DETAIL)
    send(PARENT, DETAIL_PICTURE="/d.jpg")
    assert picture_of(OFFER) == ("/own.jpg", PictureSource.DETAIL)


def test_offer_may_arrive_before_its_product_and_bring_its_picture(send):
    link = {"CML2_LINK": str(PARENT)}
    assert send(OFFER, PROPERTIES=link, PARENT_PICTURE="/a.jpg") == ("/a.jpg", PictureSource.PARENT)
    send(PARENT, DETAIL_PICTURE="/b.jpg")
    assert picture_of(OFFER) == ("/b.jpg", PictureSource.PARENT)


def test_unknown_product_of_an_order_has_the_picture_sent_with_it(make_order):
    line = {"ID": "1", "PRODUCT_ID": str(PARENT), "NAME": "Букет", "PRICE": "7500", "QUANTITY": "1"}
    make_order(1, basket=[line | {"PICTURE": "/a.jpg"}])
    assert picture_of(PARENT) == ("/a.jpg", PictureSource.ORDER)
    make_order(2, basket=[line | {"PICTURE": "/b.jpg"}])
    assert picture_of(PARENT) == ("/a.jpg", PictureSource.ORDER)


@pytest.mark.parametrize(
    ("extra", "address"),
    [
        ({"PICTURE": "/a.jpg"}, "/a.jpg"),
        ({"DETAIL_PICTURE": {"SRC": "/a.jpg"}}, "/a.jpg"),
        ({"DETAIL_PICTURE": "948", "PREVIEW_PICTURE": "/a.jpg"}, "/a.jpg"),
        ({"ru_img_miniature": "/a.jpg"}, "/a.jpg"),
        ({"PROPS": [{"NAME": "Картинка", "CODE": "ru_img_miniature", "VALUE": "/a.jpg"}]}, "/a.jpg"),
        ({"PROPS": {"ru_img_miniature": "/a.jpg"}}, "/a.jpg"),
        ({"PICTURE": "javascript:alert(1)"}, None),
        ({"PICTURE": 948}, None),
        ({"PICTURE": ["/a.jpg"]}, None),
        ({}, None),
    ],
)
def test_picture_of_an_item_is_read_and_is_no_detail(make_order, browser, extra, address):
    line = {"ID": "1", "PRODUCT_ID": "0", "NAME": "Букет", "PRICE": "7500", "QUANTITY": "1"}
    order = make_order(basket=[line | extra])
    assert OrderItem.objects.get(order=order).product_snapshot.get("picture") == address
    page = browser.get(f"/crm/orders/order/{order.pk}/change/").content.decode()
    assert not re.search(r"/a\.jpg|>948<|alert\(1\)|ru_img", page)


def test_changed_picture_of_an_item_is_stored(make_order, post_webhook):
    line = {"ID": "1", "PRODUCT_ID": "0", "NAME": "Букет", "PRICE": "7500", "QUANTITY": "1"}
    make_order(1, basket=[line | {"PICTURE": "/a.jpg"}])
    order = make_order(1, basket=[line | {"PICTURE": "/b.jpg"}], VERSION="2", DATE_UPDATE="2025-08-24 12:00:09")
    assert order.items.get().product_snapshot["picture"] == "/b.jpg"
