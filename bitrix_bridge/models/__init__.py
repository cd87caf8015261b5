"""The bridge's tables: what came in and what goes out, imports, and comparisons of both sides."""

from bitrix_bridge.models.exchange import ImportRow, ImportRun, Push, PushAttempt, WebhookEvent
from bitrix_bridge.models.reconciliation import Difference, Reconciliation

__all__ = ["Difference", "ImportRow", "ImportRun", "Push", "PushAttempt", "Reconciliation", "WebhookEvent"]
