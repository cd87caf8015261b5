"""Other programs that store the same webhooks, for comparison with the CRM (`--peers`).

`plain_django` is a receiver as a developer who knows Django and DRF writes it in a day: `update_or_create` for each
row, in one transaction. `postgresql.py` measures the limit of the database itself with `pgbench`.
"""
