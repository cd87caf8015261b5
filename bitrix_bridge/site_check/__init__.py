"""The check of a real site: one test order is sent through its bridge, and the answers are compared with a sandbox's.

`manage.py check_site` starts it, on the day on which the shop's PHP is installed. It writes nothing to the CRM's
database.
"""
