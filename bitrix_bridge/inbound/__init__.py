"""The webhook views, the inbox and the event handlers."""
