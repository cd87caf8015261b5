"""Check a real site: send a test order through its bridge, and compare the responses with the responses of a sandbox.

The site check is started with `manage.py check_site`, on the day on which the shop's PHP files are installed. Nothing
is written to the CRM's database.
"""
