"""The code that all admin pages share: base classes, filters, the navigation and the dashboard."""
