"""The check for the shop's first day: one order of its own walks through the real bridge, beside a stand-in of it.

`manage.py check_site` starts it. Nothing is written to the CRM's database.
"""
