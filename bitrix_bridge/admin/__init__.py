"""The admin pages of webhook events, pushes, imports and comparisons."""

from bitrix_bridge.admin import differences, imports, inbox, pushes, reconciliation

__all__ = ["differences", "imports", "inbox", "pushes", "reconciliation"]
