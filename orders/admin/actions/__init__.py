"""What staff do to orders from the list and from the page. Each action is a POST that calls a service."""
