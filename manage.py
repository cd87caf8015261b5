#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cvety_crm.settings")
    if sys.argv[1:2] == ["run"]:
        # The port is checked before the settings are read: without DATABASE_URL, reading the settings starts the
        # private PostgreSQL.
        from cvety_crm.ops.listen_address import exit_unless_free

        exit_unless_free()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
