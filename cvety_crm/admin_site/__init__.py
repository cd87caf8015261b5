"""What every admin page shares: base classes, filters, navigation, the dashboard."""
