"""The conversion of a request's items into `b_sale_basket` rows of an order. Money is in KZT."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from .catalogue import PROVIDED, RESERVED
from .errors import invalid
from .order_draft import Draft
from .price_allocation import PricedQuantity, allocate_total
from .reference import PRODUCTS_BY_ID
from .values import Order, amount, identity, is_bought, money, rounded, text_of


@dataclass(frozen=True)
class RequestedLine:
    """An item of a request.

    If `product_id` or `base_price` is None, or a string is empty, the value of an existing row is not overwritten. A
    new row has `list_price` as its BASE_PRICE then; its name and XML id come from the catalogue, and its currency is
    KZT.
    """

    basket_id: int
    product_id: int | None
    quantity: Decimal
    price: Decimal
    base_price: Decimal | None
    list_price: Decimal
    """BASE_PRICE of a new row if `base_price` is None."""
    name: str
    currency: str
    xml_id: str
    properties: tuple[dict[str, str], ...] = ()
    """Rows of b_sale_basket_props, such as a size. Only the site's own form sends them."""


def requested_lines(items: object) -> list[RequestedLine]:
    """Return the items of a request.

    Raise `SiteError` 422 with the step "basket" if there are no items or an item is invalid.
    """
    if not isinstance(items, list) or not items:
        raise invalid("empty_basket", "An order needs at least one item", "basket")
    for position, item in enumerate(items):
        if not isinstance(item, dict):
            raise invalid("bad_item", f"items[{position}] must be an object", "basket")
    return [_requested_line(item) for item in items]


def _requested_line(item: Order) -> RequestedLine:
    quantity = amount(item.get("quantity"), "items.quantity", "basket")
    if not quantity:
        raise invalid("bad_amount", "items.quantity must be above zero", "basket")
    base = item.get("base_price")
    snapshot = item.get("product_snapshot")
    snapshot = snapshot if isinstance(snapshot, dict) else {}
    given_id = item.get("bitrix_product_id")
    price = rounded(amount(item.get("price"), "items.price", "basket"))
    return RequestedLine(
        basket_id=identity(item.get("bitrix_basket_id") or 0, "bitrix_basket_id", "basket", zero=True),
        # Bitrix stores PRODUCT_ID 0 for goods that the catalogue no longer contains.
        product_id=identity(given_id, "bitrix_product_id", "basket", zero=True) if given_id else None,
        quantity=quantity,
        price=price,
        base_price=None if base is None else rounded(amount(base, "items.base_price", "basket")),
        list_price=price,
        name=text_of(snapshot.get("name")),
        currency=text_of(snapshot.get("currency")),
        xml_id=text_of(snapshot.get("xml_id")),
        properties=tuple(item.get("props") or ()),
    )


def allocate_goods_total(lines: list[RequestedLine], goods: Decimal) -> list[RequestedLine]:
    """Return the items with prices whose sum is `goods`.

    If some pieces of an item need a different price, they become a new item.
    """
    parts = allocate_total([PricedQuantity(line.price, line.quantity) for line in lines], goods)
    return [
        replace(line, basket_id=0 if place else line.basket_id, price=part.price, quantity=part.quantity)
        for line, made in zip(lines, parts, strict=True)
        for place, part in enumerate(made)
    ]


def current_lines(order: Order) -> list[RequestedLine]:
    """Return the items of an order in the format of a request, which would change nothing."""
    return [
        RequestedLine(
            basket_id=int(line["ID"]),
            product_id=int(line["PRODUCT_ID"]),
            quantity=Decimal(line["QUANTITY"]),
            price=Decimal(line["PRICE"]),
            base_price=Decimal(line["BASE_PRICE"]),
            list_price=Decimal(line["BASE_PRICE"]),
            name=line["NAME"],
            currency=line["CURRENCY"],
            xml_id=line["PRODUCT_XML_ID"],
        )
        for line in order["basket"]
        if is_bought(line)
    ]


class BasketUpdate:
    """An update of an order's items to the items of a request.

    If `fixed_prices` is true, the items are written by the rules of the bridge: Bitrix does not recompute their prices.
    A product that the catalogue does not sell is refused if staff of the site add it. The bridge adds it without the
    catalogue; `unavailable` then contains its product id, its name and Bitrix's reason.
    """

    def __init__(self, draft: Draft, *, fixed_prices: bool) -> None:
        self._draft, self._fixed_prices = draft, fixed_prices
        self.unavailable: list[tuple[int, str, str]] = []

    def apply(self, wanted: list[RequestedLine]) -> None:
        """Make the order's basket contain the items in `wanted`, by updating, adding and deleting rows.

        If an item has a row id, it updates that row. If an item has no row id, it updates the first row of the same
        product that no other item updates. If there is no such row, a row is added. The remaining rows are deleted,
        except those that were not bought: no item updates them either.

        Raise `SiteError` 422 if the order has no row with a given id, if items or quantities of a shipped order would
        change, or if the catalogue refuses an item.
        """
        present = self._draft.order["basket"]
        free = [row for row in present if is_bought(row)]
        continued = [self._find_named(line, free) for line in wanted]
        for position, line in enumerate(wanted):
            continued[position] = continued[position] or self._find_alike(line, free)
        pairs = list(zip(wanted, continued, strict=True))
        if self._draft.order["DEDUCTED"] == "Y":
            self._refuse_shipped(pairs, free)
        for line, row in pairs:
            if row is not None:
                self._change(row, line)
        kept = [row for row in present if row not in free]
        self._draft.order["basket"] = kept + [self._new(line) for line, row in pairs if row is None]

    def _find_named(self, line: RequestedLine, free: list[Order]) -> Order | None:
        if not line.basket_id:
            return None
        for row in free:
            if int(row["ID"]) == line.basket_id:
                free.remove(row)
                return row
        message = f"В заказе на сайте нет строки {line.basket_id}, или она названа дважды"
        raise invalid("basket_unknown", message, "basket")

    def _find_alike(self, line: RequestedLine, free: list[Order]) -> Order | None:
        for row in free:
            if not line.basket_id and int(row["PRODUCT_ID"]) == (line.product_id or 0):
                free.remove(row)
                return row
        return None

    def _refuse_shipped(self, pairs: list[tuple[RequestedLine, Order | None]], gone: list[Order]) -> None:
        if gone or any(row is None or Decimal(row["QUANTITY"]) != line.quantity for line, row in pairs):
            message = "Заказ на сайте отгружен: состав и количество уже не меняются"
            raise invalid("shipped", message, "basket")

    def _change(self, row: Order, line: RequestedLine) -> None:
        is_more_or_less = Decimal(row["QUANTITY"]) != line.quantity
        if is_more_or_less:
            reason = self._draft.tables.catalogue.refusal(row, line.quantity)
            if reason:
                self._keep_without_catalogue(row, reason)
            row["QUANTITY"] = money(line.quantity)
        # A request of the bridge does not change the list price of a row. The site's own form sends both prices.
        base = row["BASE_PRICE"] if self._fixed_prices or line.base_price is None else money(line.base_price)
        if (row["PRICE"], row["BASE_PRICE"]) != (money(line.price), base) or is_more_or_less:
            row.update(PRICE=money(line.price), BASE_PRICE=base)
            self._price(row)
        row["NAME"] = line.name or row["NAME"]
        row["CURRENCY"] = line.currency or row["CURRENCY"]
        row["PRODUCT_XML_ID"] = line.xml_id or row["PRODUCT_XML_ID"]
        if line.product_id is not None:
            row["PRODUCT_ID"] = str(line.product_id)

    def _new(self, line: RequestedLine) -> Order:
        catalogue = self._draft.tables.catalogue
        product_id = line.product_id or 0
        product = PRODUCTS_BY_ID.get(product_id)
        base = line.list_price if line.base_price is None else line.base_price
        row = {
            "ID": str(self._draft.tables.next_id("basket")),
            "PRODUCT_ID": str(product_id),
            "NAME": line.name or (product.name if product else f"Товар {product_id}"),
            "PRICE": money(line.price),
            "BASE_PRICE": money(max(base, line.price) if self._fixed_prices else base),
            "DISCOUNT_PRICE": money(Decimal(0)),
            "QUANTITY": "0.0000",
            "CURRENCY": line.currency or "KZT",
            "PRODUCT_XML_ID": line.xml_id or (product.xml_id if product else ""),
            "CUSTOM_PRICE": "N",
            PROVIDED: catalogue.stock(product_id) is not None,
            RESERVED: "0.0000",
        }
        self._price(row)
        reason = catalogue.refusal(row, line.quantity)
        if self._fixed_prices and product_id and not row[PROVIDED]:
            reason = f"Товар «{row['NAME']}» недоступен"
        if reason:
            self._keep_without_catalogue(row, reason)
        row["QUANTITY"] = money(line.quantity)
        if line.properties and not self._fixed_prices:
            row["PROPS"] = [dict(one) for one in line.properties]
        return row

    def _price(self, row: Order) -> None:
        """Set CUSTOM_PRICE and DISCOUNT_PRICE. Bitrix counts no discount for a price that was set by hand."""
        less = Decimal(row["BASE_PRICE"]) - Decimal(row["PRICE"])
        if self._fixed_prices or less < 0:
            row.update(CUSTOM_PRICE="Y", DISCOUNT_PRICE=money(Decimal(0)))
        else:
            row.update(CUSTOM_PRICE="N", DISCOUNT_PRICE=money(less))

    def _keep_without_catalogue(self, row: Order, reason: str) -> None:
        if not self._fixed_prices:
            raise invalid("refused", reason, "basket")
        row[PROVIDED] = False
        self.unavailable.append((int(row["PRODUCT_ID"]), row["NAME"], reason))
