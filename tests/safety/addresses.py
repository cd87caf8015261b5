"""Every URL of the project, from the URL configuration, with the keys of sample rows in place of its parameters."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern
from django.utils.regex_helper import normalize

NO_ROW = UUID(int=1)
"""A key that no row has."""
VALUES: Mapping[str, str] = {
    "app_label": "orders",
    "content_type_id": "1",
    "name": "sales",
    "path": "orders",
    "size": "thumbnail",
    "token": "no-such-token",
    "url": "no/such/page/",
    "number": "1",
    "day": "2026-11-01",
}
"""The values of parameters that are no keys of rows."""
KEYS: Mapping[str, str] = {
    "admin:orders_order_add_customer": "orders.customer",
    "admin:orders_order_delete_view": "orders.savedview",
    "admin:orders_order_edit_view": "orders.savedview",
    "admin:orders_order_move_view": "orders.savedview",
    "admin:orders_order_update_view": "orders.savedview",
    "admin:bitrix_bridge_reconciliation_decide": "bitrix_bridge.difference",
    "approval_photo": "orders.orderphoto",
    "calls_record": "orders.customer",
    "calls_reminders": "orders.order",
    "calls_undo": "orders.customercall",
    "dispatch_": "orders.courier",
    "earlier_order": "orders.order",
    "item_thumbnail": "orders.orderitem",
    "product_thumbnail": "orders.product",
}
"""The models of the keys in URLs, by the beginning of the name, if it is not the model whose pages contain the URL."""
PARAMETERS: Mapping[str, str] = {
    "payment": "orders.payment",
    "photo": "orders.orderphoto",
    "template": "orders.messagetemplate",
}
"""The models of second keys."""
OF_ADDRESS: Mapping[str, Mapping[str, str]] = {
    "dispatch_map": {"name": "yandex"},
    "earlier_page": {"name": "products"},
    "admin:orders_order_edit": {"field": "courier"},
}
"""The values of single addresses."""
PATHS: Mapping[str, str] = {"webhook-other": "/webhooks/bitrix/shop"}
"""The paths of patterns with alternatives."""
QUERIES: Mapping[str, str] = {
    "new_export": "?table=orders",
    "admin:autocomplete": "?app_label=orders&model_name=order&field_name=customer",
}
"""The queries without which an address is answered with 404."""
_PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL. `name` is the qualified name of its pattern, or the pattern itself if it has no name."""

    name: str
    pattern: str
    """The path, with parameters in curly brackets."""

    @property
    def model(self) -> str:
        """Return the label of the model whose admin pages contain the URL, such as `orders.order`, or ''."""
        for one in admin.site._registry:
            if self.pattern.startswith(f"/crm/{one._meta.app_label}/{one._meta.model_name}/"):
                return one._meta.label_lower
        return ""

    def path(self, rows: Mapping[str, Any]) -> str:
        """Return the path with the keys of these rows, by the label of their model."""
        model = next((model for start, model in KEYS.items() if self.name.startswith(start)), self.model)
        key = str(rows.get(model, NO_ROW))
        own = {**VALUES, **OF_ADDRESS.get(self.name, {})}
        own |= {name: str(rows[model]) for name, model in PARAMETERS.items() if model in rows}
        own |= {"token": str(rows["token"])} if "token" in rows else {}
        path = re.sub(r"{(\w+)}", lambda found: own.get(found[1], key), PATHS.get(self.name, self.pattern))
        return path + QUERIES.get(self.name, "")


def every_address() -> list[Address]:
    """Return the URLs of the project, each name once."""
    found = {address.name: address for address in _walk(get_resolver().url_patterns, "/", "")}
    return list(found.values())


def keys_of_samples() -> dict[str, Any]:
    """Return the primary key of a row of each model that has admin pages, by the label of the model."""
    rows: Iterable[tuple[type[Model], Any]] = ((one, one._default_manager.first()) for one in admin.site._registry)
    return {model._meta.label_lower: row.pk for model, row in rows if row is not None}


def _walk(patterns: Iterable[Any], prefix: str, namespace: str) -> Iterator[Address]:
    for one in patterns:
        path = prefix + _text(one.pattern)
        if isinstance(one, URLResolver):
            inner = f"{namespace}{one.namespace}:" if one.namespace else namespace
            yield from _walk(one.url_patterns, path, inner)
        elif isinstance(one, URLPattern):
            yield Address(f"{namespace}{one.name}" if one.name else path, path)


def _text(pattern: RoutePattern | RegexPattern | LocalePrefixPattern) -> str:
    if isinstance(pattern, RegexPattern):
        text, names = normalize(str(pattern))[0]
        return text % {name: f"{{{name}}}" for name in names}
    return _PARAMETER.sub(r"{\1}", str(pattern))
