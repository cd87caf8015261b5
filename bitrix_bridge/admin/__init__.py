"""What came in from the site, what goes out to it, and the imports: for people to read, and to try again."""

from bitrix_bridge.admin import imports, inbox, pushes, reconciliation

__all__ = ["imports", "inbox", "pushes", "reconciliation"]
