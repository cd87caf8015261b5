"""Clients of the site: the PHP bridge and REST, and what their errors mean."""
