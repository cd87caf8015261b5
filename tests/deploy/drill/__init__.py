"""`make drill`: faults of the production stack under a load of webhooks, and a table of what was lost and doubled."""
