"""The rows of lists for exports, found by the lists' own filters, also without a request."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.contrib.messages.storage.base import BaseStorage
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext

from cvety_crm.users import AnyUser
from orders.admin.exports.filter_words import filter_words
from orders.admin.list_query import list_page
from orders.admin.reports.choice import choices_of_filters, chosen
from orders.export.table import Fact, NoSuchTableError
from orders.export.tables.listed import Found
from orders.models import Customer, Order, Product, Selection
from orders.reports.scope import Scope
from orders.reports.texts import period_text
from orders.selectors.presets import Moment, sorted_for_work
from orders.selectors.saved_views import view_key

SELECTED = "selected_orders"
"""The parameter with the frozen selection of a user, instead of the filters of the order list."""


def listed_orders(user: AnyUser, query: QueryDict) -> Found:
    """Return the orders of the order list, or those of a selection of the user.

    Raise `NoSuchTableError` if the filters do not fit, or if the user has no such selection (any more).
    """
    if SELECTED in query:
        key = view_key(str(query[SELECTED]))
        selection = None if key is None else Selection.objects.filter(pk=key, user=user.pk).first()
        if selection is None:
            raise NoSuchTableError(SELECTED)
        orders = sorted_for_work(Order.objects.filter(pk__in=selection.keys), Moment.of(user))
        return Found(orders, ((gettext("Filters"), gettext("selected orders")),))
    return _listed(Order, user, query)


def listed_customers(user: AnyUser, query: QueryDict) -> Found:
    """Return the customers of their list."""
    return _listed(Customer, user, query)


def listed_products(user: AnyUser, query: QueryDict) -> Found:
    """Return the products of their list."""
    return _listed(Product, user, query)


def report_scope(query: QueryDict) -> tuple[Scope, tuple[Fact, ...]]:
    """Return the orders that a report is about, and the period and the filters as texts."""
    scope = chosen(query).scope
    facts = [(gettext("Period"), period_text(scope.period)), (gettext("Which date"), str(scope.basis.label))]
    return scope, (*facts, *report_filters(scope.filters))


def report_filters(filters: Mapping[str, Any]) -> Iterator[Fact]:
    """Yield the filters of a report as texts."""
    for one in choices_of_filters() if filters else ():
        if (value := filters.get(one["name"])) is not None:
            yield str(one["label"]), str(dict(one["choices"]).get(str(value), value))


class _NoMessages(BaseStorage):
    """A storage that drops the messages of a list to a reader who has no page."""

    def _get(self, *_args: Any, **_kwargs: Any) -> tuple[list[Any], bool]:
        return [], True

    def _store(self, *_args: Any, **_kwargs: Any) -> list[Any]:
        return []


def _listed(model: Any, user: AnyUser, query: QueryDict) -> Found:
    """Return the rows that the list of a model finds. Raise `NoSuchTableError` if the filters do not fit."""
    request = HttpRequest()
    request.method, request.user = "GET", user
    kept = query.copy()
    kept.pop(PAGE_VAR, None)
    request._messages = _NoMessages(request)  # type: ignore[attr-defined]
    try:
        changelist = list_page(admin.site._registry[model], request, kept)
    except IncorrectLookupParameters as error:
        raise NoSuchTableError(query.urlencode()) from error
    return Found(changelist.queryset, tuple(filter_words(changelist)))
