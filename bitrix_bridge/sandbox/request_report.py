"""The warnings and the refused parts that the bridge reports beside the result of a request."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .errors import SiteError
from .order_draft import Draft

Answer = dict[str, Any]


class RequestReport:
    """The warnings and refusals of one request.

    Messages are for managers: they are in Russian and quote Bitrix's own messages.
    """

    def __init__(self) -> None:
        self.warnings: list[Answer] = []
        self.refused: list[Answer] = []
        self.first: SiteError | None = None

    def as_answer(self) -> Answer:
        """Return the keys of the answer, without empty lists."""
        return {name: rows for name, rows in (("warnings", self.warnings), ("refused", self.refused)) if rows}

    def warn(self, code: str, message: str, **more: Any) -> None:
        """Add a warning unless the same warning has been added already."""
        warning = {"code": code, "message": message, **more}
        if warning not in self.warnings:
            self.warnings.append(warning)

    def refuse(self, what: list[str], refusal: SiteError) -> None:
        """Record that the site refused these parts of the request."""
        self.first = self.first or refusal
        entry = {"code": refusal.code, "message": refusal.message, "step": refusal.step}
        self.refused += [{"what": one, **entry} for one in what]

    def attempt(self, draft: Draft, what: list[str], do: Callable[[], None]) -> bool:
        """Apply a part of the request, and return whether the site accepted it.

        If the site refuses the part, the refusal is recorded and the draft is restored.
        """
        restore, warnings = draft.checkpoint(), list(self.warnings)
        try:
            do()
        except SiteError as refusal:
            if refusal.http_status != 422:
                raise
            restore()
            self.warnings = warnings
            self.refuse(what, refusal)
            return False
        return True

    def try_property(self, draft: Draft, code: str, value: Any) -> bool:
        """Set a property and return whether it was refused.

        A property that the site does not have is skipped with a warning.
        """
        kind = draft.tables.properties.get(code)
        if kind is None:
            if value not in ("", []):
                message = f"На сайте нет свойства заказа «{code}»"
                self.warn("no_property", message, property=code)
            return False
        refusal = kind.refusal(value)
        if refusal is not None:
            self.refuse([f"properties.{code}"], refusal)
            return True
        if draft.order["properties"].get(code, "") != value:
            draft.order["properties"][code] = value
        return False

    def warn_unavailable(self, unavailable: list[tuple[int, str, str]]) -> None:
        """Warn about items that are stored although the catalogue does not sell their products."""
        for product_id, name, reason in unavailable:
            message = (
                f"Товара «{name}» сейчас нельзя продать на сайте, строка заказа оставлена как договорились. "
                f"Ответ сайта: {reason}"
            )
            self.warn("out_of_catalogue", message, product_id=product_id)

    def warn_account_transfer(self, draft: Draft) -> None:
        """Warn about money that the save moves to or from the customer's account."""
        amount = sum((booking.amount for booking in draft.bookings), Decimal(0))
        if amount > 0:
            price = format_tenge(Decimal(draft.order["PRICE"]))
            message = (
                f"{format_tenge(amount)} ушли на внутренний счёт покупателя: оплачено больше, чем стоит заказ ({price})"
            )
        elif amount < 0:
            message = f"{format_tenge(-amount)} взяты с внутреннего счёта покупателя в оплату заказа"
        if amount:
            self.warn("inner_account", message, amount=f"{amount:.2f}")

    def warn_marked(self, order: Answer) -> None:
        """Warn that Bitrix marked the order as problematic.

        Every save repeats the warning until a person reviews the order.
        """
        if order["MARKED"] == "Y":
            self.warn("marked", f"Сайт пометил заказ: {order['REASON_MARKED']}")


def format_tenge(amount: Decimal) -> str:
    """Return an amount in KZT, formatted for managers."""
    places = 0 if amount == amount.to_integral_value() else 2
    return f"{amount:,.{places}f} ₸".replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
