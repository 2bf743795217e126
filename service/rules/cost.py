"""What a job cost, as far as can be told: always an estimate, from the owner's own prices."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Price:
    """Of training with a model: for a million trained tokens, or for an hour. One of them is None."""

    per_million_tokens: float | None
    per_hour: float | None
    currency: str = "USD"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An estimated amount of money."""

    amount: float
    currency: str


def estimate(
    prices: Mapping[str, Price], models: tuple[str | None, ...], *, tokens: int | None, ran: timedelta | None
) -> Cost | None:
    """What training cost by the first price whose pattern fits one of the names of the model; None when none does.

    `tokens`: billed only when the job succeeded, so it is for the caller to pass them.
    """
    for pattern, price in prices.items():
        if not any(name and fnmatch.fnmatchcase(name, pattern) for name in models):
            continue
        if price.per_million_tokens is not None and tokens:
            return Cost(amount=price.per_million_tokens * tokens / 1e6, currency=price.currency)
        if price.per_hour is not None and ran is not None:
            return Cost(amount=price.per_hour * ran.total_seconds() / 3600, currency=price.currency)
        return None
    return None
