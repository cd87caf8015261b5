"""The admin pages of webhook events, pushes, imports and comparisons."""

from bitrix_bridge.admin import imports, inbox, pushes, reconciliation

__all__ = ["imports", "inbox", "pushes", "reconciliation"]
