"""Clients of the site's PHP bridge and REST API, and the table that classifies their errors."""
