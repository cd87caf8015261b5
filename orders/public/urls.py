"""The URLs for customers: the photos of a bouquet, with a secret link and without a login."""

from django.urls import path

from orders.public.approval_page import approval, approval_photo

urlpatterns = [
    path("<str:token>/", approval, name="approval"),
    path("<str:token>/<uuid:key>/<str:size>.jpg", approval_photo, name="approval_photo"),
]
