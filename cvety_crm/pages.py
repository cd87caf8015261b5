"""The public page: it says that the service runs, and nothing more."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Answer 200 to whoever asks whether the service is there."""
    return render(request, "cvety_crm/home.html")
