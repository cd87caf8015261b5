"""Admin pages that consist of features. A feature adds URLs, bulk actions, and context for templates.

A `FeatureModelAdmin` lists its features in `features`. It refuses two URLs or two bulk actions with the same name,
because one of them would hide the other one and its check of permissions.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from cvety_crm.admin_site.base import CrmModelAdmin

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
    from django_stubs_ext import StrOrPromise  # the stubs are not installed in production

GET = ("GET",)
READ = ("GET", "HEAD")
POST = ("POST",)

Row = TypeVar("Row", bound=Model)
AnyFeature = TypeVar("AnyFeature", bound="Feature[Any]")
View = Callable[..., HttpResponseBase]
Permission = Callable[[HttpRequest], bool]


@dataclass(frozen=True, slots=True)
class BulkAction(Generic[Row]):
    """An action on the selected rows of a list. Its name is the name of the function `run`."""

    run: Callable[[HttpRequest, QuerySet[Row]], HttpResponseBase | None]
    description: "StrOrPromise"
    permission: Permission

    @property
    def name(self) -> str:
        """Return the name that the list's form posts."""
        return self.run.__name__

    def as_function(self) -> Callable[..., HttpResponseBase | None]:
        """Return the action as a function for `ModelAdmin.actions` of Django."""
        run = _permitted(self.run, self.permission)

        @admin.action(description=self.description)
        @wraps(self.run)
        def function(_model_admin: object, request: HttpRequest, queryset: QuerySet[Row]) -> HttpResponseBase | None:
            return run(request, queryset)

        return function


class Feature(Generic[Row]):
    """One feature of a model's pages. A subclass overrides only the methods that it needs."""

    def __init__(self, model_admin: "admin.ModelAdmin[Row]") -> None:
        self.model_admin = model_admin

    def urls(self) -> list[URLPattern]:
        """Return the feature's own URLs, each made by `view`."""
        return []

    def bulk_actions(self) -> list[BulkAction[Row]]:
        """Return the actions on selected rows, sorted as in the menu."""
        return []

    def list_context(self, request: HttpRequest, changelist: "ChangeList") -> dict[str, Any]:
        """Return the context that the templates of the list need."""
        return {}

    def page_context(self, request: HttpRequest, row: Row, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the context that the templates of a row's page need. `context` is the context from Django."""
        return {}

    def view(self, route: str, view: View, *, name: str, methods: Sequence[str], permission: Permission) -> URLPattern:
        """Return the URL of a view for signed-in staff.

        A request with a method that is not allowed is answered with 405, and a user without the permission with 403.
        The URL's name is `name` after the names of the app and the model, as in Django's own names.
        """
        guarded = require_http_methods(list(methods))(_permitted(view, permission))
        return path(route, self.model_admin.admin_site.admin_view(guarded), name=f"{self.url_prefix}_{name}")

    def render(
        self,
        request: HttpRequest,
        template: str,
        title: str,
        context: Mapping[str, Any],
        headers: dict[str, str] | None = None,
    ) -> TemplateResponse:
        """Return a page of the admin, with its menu."""
        common = {
            **self.model_admin.admin_site.each_context(request),
            "title": title,
            "opts": self.model_admin.opts,
        }
        return TemplateResponse(request, template, {**common, **context}, headers=headers)

    @property
    def url_prefix(self) -> str:
        """Return the prefix of the names of the model's URLs."""
        opts = self.model_admin.opts
        return f"{opts.app_label}_{opts.model_name}"


class FeatureModelAdmin(CrmModelAdmin):
    """The pages of a model with their features."""

    features: tuple[type[Feature[Any]], ...] = ()
    actions: Sequence[Any] = ()

    def __init__(self, model: type[Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        self._features = [kind(self) for kind in self.features]
        self._feature_urls = [url for feature in self._features for url in feature.urls()]
        bulk = [action for feature in self._features for action in feature.bulk_actions()]
        own_names = [name for _function, name, _description in self._get_base_actions()]
        _refuse_duplicates(self, "actions", [*own_names, *(action.name for action in bulk)])
        self._permissions = {action.name: action.permission for action in bulk}
        self.actions = [*self.actions, *(action.as_function() for action in bulk)]
        _refuse_duplicates(self, "URLs", [url.name for url in self.get_urls() if url.name])

    def feature(self, kind: type[AnyFeature]) -> AnyFeature:
        """Return the feature of this class.

        Raise `StopIteration` if the pages do not have the feature.
        """
        return next(feature for feature in self._features if isinstance(feature, kind))

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of the features, then Django's own URLs, of which the last one matches every path."""
        return [*self._feature_urls, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the bulk actions that this user may run."""
        found: dict[str, Any] = super().get_actions(request)
        return {
            name: action
            for name, action in found.items()
            if name not in self._permissions or self._permissions[name](request)
        }

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list with the context of the features."""
        response: HttpResponse = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "cl" in context:
            for feature in self._features:
                context.update(feature.list_context(request, context["cl"]))
        return response

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Show a row's page with the context of the features."""
        row = kwargs.get("obj")
        if row is not None:
            for feature in self._features:
                context |= feature.page_context(request, row, context)
        return super().render_change_form(request, context, **kwargs)


def _permitted(view: Callable[..., Any], permission: Permission) -> Callable[..., Any]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not permission(request):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def _refuse_duplicates(model_admin: FeatureModelAdmin, what: str, names: Iterable[str]) -> None:
    """Raise `ImproperlyConfigured` if a name is repeated."""
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        kind = type(model_admin).__name__
        raise ImproperlyConfigured(f"{kind} has two {what} with the same name: {', '.join(repeated)}")
