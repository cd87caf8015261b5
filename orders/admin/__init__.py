"""The admin pages of the app. Each module registers its pages when it is imported."""

from orders.admin import bulk_runs, couriers, customers, products, reference, timeline, work
from orders.admin.orders import model_admin

__all__ = ["bulk_runs", "couriers", "customers", "model_admin", "products", "reference", "timeline", "work"]
