"""Tests of the pictures in the webhooks of the site: of products, of their offers, and of the items of orders."""

import pytest


@pytest.mark.parametrize(
    ("product", "pictures"),
    [
        (696613, {"DETAIL_PICTURE": "", "PREVIEW_PICTURE": "", "PARENT_PICTURE": ""}),
        (696614, {"DETAIL_PICTURE": "", "PARENT_PICTURE": "/upload/iblock/77.jpg"}),
        (696620, {"DETAIL_PICTURE": "", "PROPERTIES": "/upload/iblock/948.jpg"}),
    ],
    ids=["none", "offer", "miniature"],
)
def test_product_without_detail_picture_has_another_one(make_site, receiver, product, pictures):
    site = make_site(webhook_url=receiver.url, init="define('PYTHON_CRM_PRODUCT_IBLOCKS', '27');")
    site.execute("UPDATE b_iblock_element SET DETAIL_PICTURE = NULL WHERE ID = ?", product)
    site.hit(["product", "Update", product, 27])
    site.wait_for_empty_queue()
    (body,) = receiver.bodies
    data = body["data"] | {"PROPERTIES": body["data"]["PROPERTIES"].get("ru_img_miniature", "")}
    assert {name: data[name] for name in pictures} == pictures


@pytest.mark.parametrize(
    ("product", "picture"),
    [(696613, None), (696614, "/upload/iblock/77.jpg"), (696620, "/upload/iblock/948.jpg")],
    ids=["none", "offer", "miniature"],
)
def test_item_of_order_has_picture_of_its_product(announcing, receiver, product, picture):
    announcing.hit(["create", {}], dies=True)
    announcing.execute("UPDATE b_sale_basket SET PRODUCT_ID = ?", product)
    announcing.run_agents()
    assert receiver.bodies[-1]["data"]["basket"][0]["PICTURE"] == "/upload/iblock/77.jpg"
    announcing.execute("UPDATE b_iblock_element SET DETAIL_PICTURE = NULL WHERE ID = ?", product)
    announcing.hit(["change", int(receiver.bodies[-1]["data"]["ID"]), {"STATUS_ID": "AP"}])
    announcing.wait_for_empty_queue()
    assert receiver.bodies[-1]["data"]["basket"][0].get("PICTURE") == picture
