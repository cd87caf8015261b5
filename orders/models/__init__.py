"""The models of orders. Tables and columns have the names of the shop's Supabase schema. Models have clearer names."""

from orders.models.bulk import BulkResult, BulkRun, Selection
from orders.models.call import CallReason, CustomerCall
from orders.models.customer import Customer, CustomerChange, SharedAccount
from orders.models.export import ExportRun, ExportTemplate
from orders.models.item import OrderItem
from orders.models.message import Addressee, MessageTemplate, Purpose
from orders.models.month_plan import MonthPlan
from orders.models.order import (
    CHANNEL,
    ENTERED_METHOD,
    REPORTED_BY_SITE,
    Channel,
    Order,
    PaymentStatus,
    Source,
    SyncState,
    long_columns,
)
from orders.models.pay_system import PaymentMethod, PaySystem
from orders.models.payment import Payment
from orders.models.peak_day import PeakDay
from orders.models.phone_look import PhoneLook
from orders.models.photo import OrderPhoto, PhotoAnswer, PhotoApproval
from orders.models.product import PictureSource, Product
from orders.models.reference import City, DeliverySlot, Shop, SiteStatus, Stage, Status
from orders.models.report_schedule import (
    Frequency,
    RelativePeriod,
    ReportDelivery,
    ReportDeliveryAttempt,
    ReportRun,
    ReportSchedule,
)
from orders.models.saved_view import RoleView, SavedView
from orders.models.site import SiteReport
from orders.models.till import CourierSettlement, TillCount, TillDay
from orders.models.timeline import EventKind, OrderEvent, Reason
from orders.models.work import Courier, OrderNote, OrderPresence

__all__ = [
    "CHANNEL",
    "ENTERED_METHOD",
    "REPORTED_BY_SITE",
    "Addressee",
    "BulkResult",
    "BulkRun",
    "CallReason",
    "Channel",
    "City",
    "Courier",
    "CourierSettlement",
    "Customer",
    "CustomerCall",
    "CustomerChange",
    "DeliverySlot",
    "EventKind",
    "ExportRun",
    "ExportTemplate",
    "Frequency",
    "MessageTemplate",
    "MonthPlan",
    "Order",
    "OrderEvent",
    "OrderItem",
    "OrderNote",
    "OrderPhoto",
    "OrderPresence",
    "PaySystem",
    "Payment",
    "PaymentMethod",
    "PaymentStatus",
    "PeakDay",
    "PhoneLook",
    "PhotoAnswer",
    "PhotoApproval",
    "PictureSource",
    "Product",
    "Purpose",
    "Reason",
    "RelativePeriod",
    "ReportDelivery",
    "ReportDeliveryAttempt",
    "ReportRun",
    "ReportSchedule",
    "RoleView",
    "SavedView",
    "Selection",
    "SharedAccount",
    "Shop",
    "SiteReport",
    "SiteStatus",
    "Source",
    "Stage",
    "Status",
    "SyncState",
    "TillCount",
    "TillDay",
    "long_columns",
]
