"""The pages staff work on. Each registers itself when it is imported."""

from orders.admin import customers, events, order, products, reference, work

__all__ = ["customers", "events", "order", "products", "reference", "work"]
