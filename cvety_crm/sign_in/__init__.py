"""Signing in: the limits of attempts, and the devices that are known."""
