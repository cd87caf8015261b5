"""Services that store the orders, customers, products and shops of the shop's earlier CRM (`cvety_crm.adoption`)."""

from orders.services.adoption.customers import CustomerStep
from orders.services.adoption.items import ItemStep
from orders.services.adoption.orders import OrderStep
from orders.services.adoption.products import ProductStep
from orders.services.adoption.shops import ShopStep

__all__ = ["CustomerStep", "ItemStep", "OrderStep", "ProductStep", "ShopStep"]
