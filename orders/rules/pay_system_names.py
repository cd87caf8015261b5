"""The payment method that the name of a pay system suggests. Staff decide: a suggestion is never applied by itself."""

import re

from orders.models import PaymentMethod

_METHODS = (
    (PaymentMethod.KASPI, re.compile(r"kaspi|каспи", re.IGNORECASE)),
    (PaymentMethod.CASH, re.compile(r"налич|\bcash\b|при получении", re.IGNORECASE)),
    (PaymentMethod.CARD, re.compile(r"\bкарт|\bcards?\b|visa|mastercard|cloudpayments|эквайринг", re.IGNORECASE)),
    (PaymentMethod.TRANSFER, re.compile(r"перевод|transfer|\bсч[её]т", re.IGNORECASE)),
)
_NEGATION = re.compile(r"\bне\b|\bno\b|\bвнутренн", re.IGNORECASE)
_CASHLESS = re.compile(r"безнал[а-яё]{0,20}", re.IGNORECASE)


def suggested_method(name: str) -> PaymentMethod | None:
    """Return the only payment method whose words the name contains, or None if there are none or several."""
    if _NEGATION.search(name):
        return None
    rest, cashless = _CASHLESS.subn(" ", name)
    found = {method for method, words in _METHODS if words.search(rest)}
    if cashless and not found:
        return PaymentMethod.TRANSFER
    return found.pop() if len(found) == 1 else None
