"""The tables of the bridge, for webhook events, pushes, imports and comparisons."""

from bitrix_bridge.models.exchange import Push, PushAttempt, WebhookEvent
from bitrix_bridge.models.history import ImportRow, ImportRun
from bitrix_bridge.models.reconciliation import Difference, Reconciliation

__all__ = ["Difference", "ImportRow", "ImportRun", "Push", "PushAttempt", "Reconciliation", "WebhookEvent"]
