"""Signing in: passwords, the second factor, the devices of a user, links for new passwords, limits and the log."""
