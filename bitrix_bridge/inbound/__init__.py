"""Incoming data: webhook views, the inbox and the event handlers."""
