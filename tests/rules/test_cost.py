from datetime import timedelta

import pytest

from service.rules import cost

PRICES = {
    "gpt-4.1-mini*": cost.Price(per_million_tokens=5.0, per_hour=None),
    "o4*": cost.Price(per_million_tokens=None, per_hour=100.0, currency="EUR"),
    "*": cost.Price(per_million_tokens=1.0, per_hour=None),
}


@pytest.mark.parametrize(
    ("models", "tokens", "ran", "amount", "currency"),
    [
        (("gpt-4.1-mini-2025", None), 2_000_000, None, 10.0, "USD"),
        (("other", "ft:x"), 500_000, None, 0.5, "USD"),
        (("o4-mini", None), 9_000_000, timedelta(minutes=90), 150.0, "EUR"),
    ],
)
def test_the_first_price_that_fits_counts(
    models: tuple[str | None, ...], tokens: int, ran: timedelta | None, amount: float, currency: str
) -> None:
    assert cost.estimate(PRICES, models, tokens=tokens, ran=ran) == cost.Cost(amount=amount, currency=currency)


def test_what_is_not_known_is_not_estimated() -> None:
    assert cost.estimate(PRICES, ("gpt-4.1-mini",), tokens=None, ran=timedelta(hours=1)) is None
    assert cost.estimate(PRICES, ("o4-mini",), tokens=5, ran=None) is None
    assert cost.estimate({}, ("o4-mini",), tokens=5, ran=timedelta(hours=1)) is None
    assert cost.estimate({"x": PRICES["*"]}, (None, "y"), tokens=5, ran=None) is None
