"""The admin pages of the app. Each module registers its pages when it is imported."""

from orders.admin import couriers, customers, products, reference, timeline, work
from orders.admin.orders import model_admin

__all__ = ["couriers", "customers", "model_admin", "products", "reference", "timeline", "work"]
