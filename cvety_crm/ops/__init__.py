"""The operations of the CRM: health, probes, schedules, retention, row level security and system checks."""
