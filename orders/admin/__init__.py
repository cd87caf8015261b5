"""The pages staff work on. Each registers itself when it is imported."""

from orders.admin import couriers, customers, events, order, products, reference, work

__all__ = ["couriers", "customers", "events", "order", "products", "reference", "work"]
