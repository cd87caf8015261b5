"""The admin pages of the app. Each module registers its pages when it is imported."""

from orders.admin import (
    bulk_runs,
    couriers,
    customers,
    message_templates,
    phone_looks,
    products,
    reference,
    report_schedules,
    timeline,
    work,
)
from orders.admin.exports import runs
from orders.admin.orders import model_admin
from orders.admin.reports import month_plans, peak_days

__all__ = [
    "bulk_runs",
    "couriers",
    "customers",
    "message_templates",
    "model_admin",
    "month_plans",
    "peak_days",
    "phone_looks",
    "products",
    "reference",
    "report_schedules",
    "runs",
    "timeline",
    "work",
]
