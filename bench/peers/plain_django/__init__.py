"""A plain receiver of webhooks: Django, DRF and nothing else. It has no code of the CRM."""
