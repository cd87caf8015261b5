"""Outgoing data: queue pushes, split them into requests, and deliver them to the site."""
