"""Actions of staff on orders, from the list and from the order's page. Each action is a POST that calls a service."""
