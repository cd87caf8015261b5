"""Tests of the pictures of the sandbox's products."""

import io

import requests
from PIL import Image

from bitrix_bridge.sandbox.pictures import picture_at, picture_path
from bitrix_bridge.sandbox.reference import PRODUCTS


def test_every_product_has_a_picture_of_its_own():
    pictures = {picture_at(picture_path(product.id)) for product in PRODUCTS}
    assert len(pictures) == len(PRODUCTS)
    assert Image.open(io.BytesIO(pictures.pop())).size == (600, 600)


def test_items_have_the_paths_of_pictures_that_the_server_returns(sandbox, order):
    (path,) = {line["PICTURE"] for line in sandbox.site.order(int(order["ID"]))["basket"]}
    url = sandbox.url
    answer = requests.get(url + path, timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert requests.get(f"{url}/upload/iblock/1.jpg", timeout=30).status_code == 404
    assert requests.get(f"{url}/upload/iblock/../x", timeout=30).status_code == 404
