"""`DJANGO_SETTINGS_MODULE=bench.settings manage.py make_orders 1000000`: fill a development database with orders."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from bench.many_orders import make_orders
from orders.models import Order


class Command(BaseCommand):
    """Add made-up orders to a development database."""

    help = "Add so many made-up orders to the database. Development only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the number of orders."""
        parser.add_argument("orders", type=int)

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Insert them all, or none."""
        if not settings.DEBUG:
            raise CommandError("Made-up orders belong into a development database (DEBUG=on).")
        if options["orders"] < 1:
            raise CommandError("How many orders? At least 1.")
        first = 1 + (Order.objects.order_by("-bitrix_order_id").values_list("bitrix_order_id", flat=True).first() or 0)
        make_orders(first, first + options["orders"] - 1)
        self.stdout.write(f"{options['orders']} orders made.")
