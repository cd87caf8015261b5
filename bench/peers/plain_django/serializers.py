"""The serializers of the plain receiver: they check the fields that it stores."""

from rest_framework import serializers


class LineSerializer(serializers.Serializer):
    """A line of the basket."""

    ID = serializers.IntegerField()
    PRODUCT_ID = serializers.IntegerField()
    NAME = serializers.CharField(max_length=300)
    PRICE = serializers.DecimalField(max_digits=14, decimal_places=4)
    BASE_PRICE = serializers.DecimalField(max_digits=14, decimal_places=4)
    QUANTITY = serializers.DecimalField(max_digits=12, decimal_places=4)


class UserSerializer(serializers.Serializer):
    """The customer."""

    ID = serializers.IntegerField()
    NAME = serializers.CharField(max_length=200, allow_blank=True)
    PERSONAL_PHONE = serializers.CharField(max_length=50, allow_blank=True)
    EMAIL = serializers.CharField(max_length=200, allow_blank=True)


class PropertiesSerializer(serializers.Serializer):
    """The properties of an order."""

    nameRecipient = serializers.CharField(max_length=200, allow_blank=True)
    phoneRecipient = serializers.CharField(max_length=50, allow_blank=True)
    addressRecipient = serializers.CharField(max_length=500, allow_blank=True)
    data = serializers.DateField(allow_null=True)
    postcardText = serializers.CharField(allow_blank=True)


class OrderSerializer(serializers.Serializer):
    """An order."""

    ID = serializers.IntegerField()
    ACCOUNT_NUMBER = serializers.CharField(max_length=50)
    STATUS_ID = serializers.CharField(max_length=2)
    PAYED = serializers.CharField()
    PRICE = serializers.DecimalField(max_digits=14, decimal_places=4)
    USER_DESCRIPTION = serializers.CharField(allow_blank=True)
    properties = PropertiesSerializer()
    user = UserSerializer()
    basket = LineSerializer(many=True)


class WebhookSerializer(serializers.Serializer):
    """The event."""

    event = serializers.CharField(max_length=100)
    event_id = serializers.CharField(max_length=100)
    data = OrderSerializer()
