"""Who is told of what."""

import fnmatch
from collections.abc import Iterable

from service import model


def destinations(
    notice: model.Notice, candidates: Iterable[model.Destination], *, broken: str | None = None
) -> tuple[model.Destination, ...]:
    """The destinations whose channel asks for this kind and account.

    A notice about the watch itself that belongs to no account goes to every channel that asks for its kind.
    `broken`: key of the destination that the notice is about, which is left out.
    """
    return tuple(
        candidate
        for candidate in candidates
        if candidate.key != broken and notice.kind in candidate.kinds and _wants(candidate, notice.account)
    )


def _wants(candidate: model.Destination, account: str | None) -> bool:
    return account is None or any(fnmatch.fnmatchcase(account, wanted) for wanted in candidate.accounts)
