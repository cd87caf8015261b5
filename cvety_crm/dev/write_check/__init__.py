"""Check that only `orders.services` writes the tables of `orders`.

`python -m cvety_crm.dev.write_check` runs the check. It parses the source without importing it. It tracks a variable
within its function and finds the model from imports, managers, reverse managers, annotations (also of functions in
other modules), forms and raw SQL. Writes that the source does not show (a queryset passed to a function without
annotations, the default `save_model` of an admin page) are found by `tests/write_guard.py`, which inspects each SQL
statement of the tests.
"""
