"""The public home page. It only states that the service is running."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Return the home page with status 200."""
    return render(request, "cvety_crm/home.html")
