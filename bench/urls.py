"""The CRM's URLs, and the URL of the baseline view."""

from django.urls import path

from bench.baseline import BaselineView
from cvety_crm.urls import urlpatterns as product_urls

urlpatterns = [path("baseline", BaselineView.as_view()), *product_urls]
