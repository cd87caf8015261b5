"""The view of the plain receiver."""

from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.peers.plain_django.models import Customer, Event, Item, Order, Product
from bench.peers.plain_django.serializers import WebhookSerializer


class HasToken(BasePermission):
    """Allow requests with the token of the site."""

    def has_permission(self, request, view):
        """Return whether the request has the token."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return any(constant_time_compare(given, token) for token in settings.WEBHOOK_TOKENS)


class OrderWebhook(APIView):
    """Store the order of a webhook with its customer, products, items, and the event itself."""

    authentication_classes = ()
    permission_classes = (HasToken,)

    def post(self, request):
        """Store the event and return what happened to the order."""
        serializer = WebhookSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        envelope = serializer.validated_data
        with transaction.atomic():
            order, is_new = store_order(envelope["data"])
            event = Event.objects.create(
                event_id=envelope["event_id"], event=envelope["event"], payload=request.data, order=order
            )
        return Response(
            {
                "status": "success",
                "action": "created" if is_new else "updated",
                "event_id": event.pk,
                "order_id": order.pk,
                "order_number": order.number,
            }
        )


def store_order(data):
    """Create or update the order with all that belongs to it. Return the order and whether it is new."""
    properties, user = data["properties"], data["user"]
    customer, _ = Customer.objects.update_or_create(
        site_id=user["ID"],
        defaults={"name": user["NAME"], "phone": user["PERSONAL_PHONE"], "email": user["EMAIL"]},
    )
    order, is_new = Order.objects.update_or_create(
        site_id=data["ID"],
        defaults={
            "number": data["ACCOUNT_NUMBER"],
            "status": data["STATUS_ID"],
            "is_paid": data["PAYED"] == "Y",
            "price": data["PRICE"],
            "customer": customer,
            "recipient_name": properties["nameRecipient"],
            "recipient_phone": properties["phoneRecipient"],
            "address": properties["addressRecipient"],
            "delivery_date": properties["data"],
            "comment": data["USER_DESCRIPTION"],
            "postcard": properties["postcardText"],
        },
    )
    # Two requests that lock the same products in different sequences would end in a deadlock.
    for line in sorted(data["basket"], key=lambda line: line["PRODUCT_ID"]):
        product, _ = Product.objects.update_or_create(
            site_id=line["PRODUCT_ID"], defaults={"name": line["NAME"], "price": line["BASE_PRICE"]}
        )
        Item.objects.update_or_create(
            site_id=line["ID"],
            defaults={
                "order": order,
                "product": product,
                "name": line["NAME"],
                "price": line["PRICE"],
                "quantity": line["QUANTITY"],
            },
        )
    order.items.exclude(site_id__in=[line["ID"] for line in data["basket"]]).delete()
    return order, is_new
