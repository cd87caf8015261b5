"""The bridge's tables: what came in and what goes out, imports of history, and comparisons of both sides."""

from bitrix_bridge.models.exchange import Push, PushAttempt, WebhookEvent
from bitrix_bridge.models.history import ImportRow, ImportRun
from bitrix_bridge.models.reconciliation import Difference, Reconciliation

__all__ = ["Difference", "ImportRow", "ImportRun", "Push", "PushAttempt", "Reconciliation", "WebhookEvent"]
