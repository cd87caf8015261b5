"""The sending of scheduled reports: the file of a run, its headline figures, and its delivery to each recipient.

`orders.services.report_schedules` starts the runs. The outbox calls `delivery.deliver` for each recipient.
"""
