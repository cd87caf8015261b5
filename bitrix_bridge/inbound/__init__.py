"""The road in: webhooks, the inbox, and the handlers of events."""
