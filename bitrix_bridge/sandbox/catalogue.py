"""The stock of each product, the reservations of orders, and Bitrix's refusals.

As in Bitrix's catalogue, QUANTITY is the free stock, without reserved pieces. Only products with QUANTITY_TRACE are
counted. This module has no lock of its own: the site holds its lock during each call.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from .reference import PRODUCTS
from .storage import Document, Put
from .values import Order, money

# Keys of an item that no document contains: whether the catalogue provides the item, and its reserved quantity.
PROVIDED = "_provided"
RESERVED = "_reserved"


@dataclass
class Stock:
    """The stock of a product. If `is_deleted` is true, the product is no longer sold, but orders may contain it."""

    product_id: int
    quantity: str = "0.0000"
    reserved: str = "0.0000"
    is_traced: bool = False
    can_buy_zero: bool = False
    is_active: bool = True
    is_deleted: bool = False

    @property
    def is_sold(self) -> bool:
        """Whether the shop sells the product, even if it is out of stock."""
        return self.is_active and not self.is_deleted

    @property
    def is_checked(self) -> bool:
        """Whether the product can run out of stock."""
        return self.is_traced and not self.can_buy_zero


class Catalogue:
    """The products of the shop, with their stock."""

    def __init__(self, rows: list[Document]) -> None:
        """Load the products that every sandbox has. A stored row replaces the default stock of its product."""
        self._stocks = {product.id: Stock(product.id) for product in PRODUCTS}
        self._stocks |= {row["product_id"]: Stock(**row) for row in rows}

    def stock(self, product_id: int) -> Stock | None:
        """Return the product's stock, or None if the product never existed."""
        return self._stocks.get(product_id)

    def set(self, product_id: int, **changes: Any) -> Put:
        """Change a product, or create it if it is new, and return the document to store."""
        stock = self._stocks.setdefault(product_id, Stock(product_id))
        for name, value in changes.items():
            setattr(stock, name, money(Decimal(str(value))) if name in ("quantity", "reserved") else value)
        return self._put(product_id)

    def provides(self, product_id: int) -> bool:
        """Return whether the catalogue can provide a new item of this product, even if it is out of stock."""
        stock = self._stocks.get(product_id)
        return stock is not None and stock.is_sold

    def refusal(self, line: Order, quantity: Decimal) -> str | None:
        """Return Bitrix's reason why an item cannot have this quantity, or None if it can.

        Bitrix checks every change of a quantity, even a decrease. It refuses a product that is not sold, and does not
        check its stock.
        """
        stock = self._stocks.get(int(line["PRODUCT_ID"]))
        if stock is None or not line.get(PROVIDED):
            return None
        name = line["NAME"]
        if not stock.is_sold:
            return f"Товар «{name}» недоступен"
        free, reserved = Decimal(stock.quantity), Decimal(line[RESERVED])
        if not stock.is_checked or free >= quantity - reserved:
            return None
        if free <= 0:
            return f"Недостаточное количество товара «{name}»"
        present = Decimal(line["QUANTITY"])
        return f"Товар «{name}» уже добавлен в корзине в количестве {present:f}. Можно добавить не более {free:f}"

    def settle(self, before: Order, after: Order) -> list[Put]:
        """Reserve the pieces that the saved order's items need, release all other pieces, and return what to store.

        A cancelled order needs no pieces. Shipped pieces are no longer reserved and do not return to the free stock.
        """
        touched: set[int] = set()
        lines = {line["ID"]: line for line in after["basket"]}
        gone = [line for line in before.get("basket", ()) if line["ID"] not in lines]
        was_shipped, is_shipped = before.get("DEDUCTED") == "Y", after["DEDUCTED"] == "Y"
        for line in [*gone, *lines.values()]:
            stock = self._stocks.get(int(line["PRODUCT_ID"]))
            if stock is None or not stock.is_traced or not line.get(PROVIDED):
                continue
            held = Decimal(line[RESERVED])
            quantity = Decimal(line["QUANTITY"])
            if is_shipped and not was_shipped:
                self._move(stock, free=Decimal(0), reserved=-held)
                line[RESERVED] = money(Decimal(0))
            elif was_shipped and not is_shipped:
                self._move(stock, free=Decimal(0), reserved=quantity)
                line[RESERVED] = money(quantity)
            elif not is_shipped:
                needed = Decimal(0) if line["ID"] not in lines or after["CANCELED"] == "Y" else quantity
                more = needed - held
                if stock.is_checked:
                    more = min(more, max(Decimal(stock.quantity), Decimal(0)))
                self._move(stock, free=-more, reserved=more)
                line[RESERVED] = money(held + more)
            touched.add(stock.product_id)
        return [self._put(product_id) for product_id in sorted(touched)]

    def _move(self, stock: Stock, *, free: Decimal, reserved: Decimal) -> None:
        stock.quantity = money(Decimal(stock.quantity) + free)
        stock.reserved = money(max(Decimal(stock.reserved) + reserved, Decimal(0)))

    def _put(self, product_id: int) -> Put:
        return "stock", str(product_id), asdict(self._stocks[product_id])
