"""The command that fills a development database with orders.

Usage: `DJANGO_SETTINGS_MODULE=bench.settings .venv/bin/python manage.py make_orders 1000000`. It needs
`DEBUG=on`, which `make run` writes into `.env`.
"""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from bench.many_orders import make_orders
from orders.models import Order


class Command(BaseCommand):
    """A command that inserts made-up orders into a development database."""

    help = "Insert so many made-up orders into the database. For development only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the number of orders as an argument."""
        parser.add_argument("orders", type=int)

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Insert all orders in one transaction. Raise `CommandError` without DEBUG, and for a number below 1."""
        if not settings.DEBUG:
            raise CommandError("Made-up orders are for development databases only (DEBUG=on).")
        if options["orders"] < 1:
            raise CommandError("The number of orders must be at least 1.")
        first = 1 + (Order.objects.order_by("-bitrix_order_id").values_list("bitrix_order_id", flat=True).first() or 0)
        make_orders(first, first + options["orders"] - 1)
        self.stdout.write(f"{options['orders']} orders created.")
