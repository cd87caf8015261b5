"""The product's addresses, and one whose view only answers."""

from django.urls import path

from bench.only_answers import OnlyAnswersView
from cvety_crm.urls import urlpatterns as product_urls

urlpatterns = [path("only-answers", OnlyAnswersView.as_view()), *product_urls]
