"""The tables of the plain receiver."""

from django.db import models


class Customer(models.Model):
    """A customer of the site."""

    site_id = models.BigIntegerField(unique=True)
    name = models.CharField(max_length=200)
    phone = models.CharField(max_length=50, db_index=True)
    email = models.CharField(max_length=200)


class Product(models.Model):
    """A product of the site."""

    site_id = models.BigIntegerField(unique=True)
    name = models.CharField(max_length=300)
    price = models.DecimalField(max_digits=12, decimal_places=2)


class Order(models.Model):
    """An order of the site."""

    site_id = models.BigIntegerField(unique=True)
    number = models.CharField(max_length=50, db_index=True)
    status = models.CharField(max_length=2, db_index=True)
    is_paid = models.BooleanField()
    price = models.DecimalField(max_digits=12, decimal_places=2)
    customer = models.ForeignKey(Customer, models.PROTECT, null=True)
    recipient_name = models.CharField(max_length=200)
    recipient_phone = models.CharField(max_length=50)
    address = models.CharField(max_length=500)
    delivery_date = models.DateField(null=True, db_index=True)
    comment = models.TextField()
    postcard = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)


class Item(models.Model):
    """A line of an order."""

    site_id = models.BigIntegerField(unique=True)
    order = models.ForeignKey(Order, models.CASCADE, related_name="items")
    product = models.ForeignKey(Product, models.PROTECT)
    name = models.CharField(max_length=300)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    quantity = models.DecimalField(max_digits=12, decimal_places=3)


class Event(models.Model):
    """A webhook as it was received."""

    event_id = models.CharField(max_length=100, unique=True)
    event = models.CharField(max_length=100)
    payload = models.JSONField()
    order = models.ForeignKey(Order, models.CASCADE, related_name="events")
    created_at = models.DateTimeField(auto_now_add=True)
