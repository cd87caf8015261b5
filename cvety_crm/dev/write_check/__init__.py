"""Check that only `orders.services` writes the tables of `orders`: `python -m cvety_crm.dev.write_check`.

The source is read, never imported. A variable is followed within its function; the model behind it comes from imports,
managers, reverse managers, annotations (of functions in other modules too), forms and raw SQL. What a reader of the
source cannot know (a queryset handed to a function without annotations, the default `save_model` of an admin page) is
left to the tests: `tests/write_guard.py` looks at each SQL statement that they cause.
"""
