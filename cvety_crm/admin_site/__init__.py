"""The code that all admin pages share: base classes, filters and the navigation."""
