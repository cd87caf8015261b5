"""Tests of the form in which the query of a list is saved with a view."""

import pytest

from orders.selectors.saved_views import normalised


@pytest.mark.parametrize(
    ("query", "saved"),
    [
        ("", "preset=today"),
        ("preset=today", "preset=today"),
        ("p=3", "preset=today"),
        ("view=8b0f1c2e-0000-4000-8000-000000000000&preset=late", "preset=late"),
        ("preset=late&columns=when,status&p=2&e=1&_facets=True", "preset=late"),
        ("q=%D0%BC%D0%B0%D1%80%D0%B8%D1%8F&preset=late", "preset=late&q=%D0%BC%D0%B0%D1%80%D0%B8%D1%8F"),
        ("stage=new&city__bitrix_id__exact=2", "city__bitrix_id__exact=2&stage=new"),
        ("status__code__exact=new&status__code__exact=done", "status__code__exact=done&status__code__exact=new"),
        ("stage=&florist=&problem=stub", "problem=stub"),
        ("preset=all&o=-1", "o=-1&preset=all"),
    ],
)
def test_query_is_saved_sorted_and_without_page_and_view(query, saved):
    assert normalised(query) == saved
    assert normalised(saved) == saved
