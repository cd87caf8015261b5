"""What an answer of the bridge says beside its result: warnings, and what the site did not take."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .drafts import Draft
from .errors import SiteError

Answer = dict[str, Any]


class Remarks:
    """Collects them while a request is done. Messages are for managers: Russian, with Bitrix's own text behind."""

    def __init__(self) -> None:
        self.warnings: list[Answer] = []
        self.refused: list[Answer] = []
        self.first: SiteError | None = None

    def said(self) -> Answer:
        """The keys of the answer; those that would be empty are left out."""
        return {name: rows for name, rows in (("warnings", self.warnings), ("refused", self.refused)) if rows}

    def warn(self, code: str, message: str, **more: Any) -> None:
        """Say something once."""
        warning = {"code": code, "message": message, **more}
        if warning not in self.warnings:
            self.warnings.append(warning)

    def refuse(self, what: list[str], refusal: SiteError) -> None:
        """Note that these parts of the request were not done."""
        self.first = self.first or refusal
        entry = {"code": refusal.code, "message": refusal.message, "step": refusal.step}
        self.refused += [{"what": one, **entry} for one in what]

    def attempt(self, draft: Draft, what: list[str], do: Callable[[], None]) -> bool:
        """Do a part of the request; what the site refuses of it is refused alone, and leaves no trace."""
        redirect_back, warnings = draft.checkpoint(), list(self.warnings)
        try:
            do()
        except SiteError as refusal:
            if refusal.http_status != 422:
                raise
            redirect_back()
            self.warnings = warnings
            self.refuse(what, refusal)
            return False
        return True

    def try_property(self, draft: Draft, code: str, value: Any) -> bool:
        """Set a property unless the site has none of it, or can't hold the value; returns whether it was refused."""
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

    def shortages(self, short: list[tuple[int, str, str]]) -> None:
        """Say which lines go on without the catalogue."""
        for product_id, name, reason in short:
            message = (
                f"Товара «{name}» сейчас нельзя продать на сайте, строка заказа оставлена как договорились. "
                f"Ответ сайта: {reason}"
            )
            self.warn("out_of_catalogue", message, product_id=product_id)

    def booked(self, draft: Draft) -> None:
        """Say what goes to the buyer's inner account with the save, or comes from it."""
        amount = sum((booking.amount for booking in draft.bookings), Decimal(0))
        if amount > 0:
            price = in_words(Decimal(draft.order["PRICE"]))
            message = (
                f"{in_words(amount)} ушли на внутренний счёт покупателя: оплачено больше, чем стоит заказ ({price})"
            )
        elif amount < 0:
            message = f"{in_words(-amount)} взяты с внутреннего счёта покупателя в оплату заказа"
        if amount:
            self.warn("inner_account", message, amount=f"{amount:.2f}")

    def marked(self, order: Answer) -> None:
        """Say that Bitrix has marked the order as one with a problem, as it does at every save until a person looks."""
        if order["MARKED"] == "Y":
            self.warn("marked", f"Сайт пометил заказ: {order['REASON_MARKED']}")


def in_words(amount: Decimal) -> str:
    """KZT as people read them."""
    places = 0 if amount == amount.to_integral_value() else 2
    return f"{amount:,.{places}f} ₸".replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
