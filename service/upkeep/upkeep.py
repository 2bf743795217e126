"""What is forgotten, and when. Jobs, status changes, metrics, checkpoints and notices are kept for ever."""

import logging
from datetime import datetime, timedelta

from service import ports
from service.rules import plain

log = logging.getLogger(__name__)


def prune(store: ports.Shelf, keep_events: timedelta, now: datetime) -> int:
    """Forget events older than `keep_events`; how many that were."""
    removed = store.forget_events(now - keep_events)
    if removed:
        log.info("%d events older than %s removed", removed, plain.duration(keep_events))
    return removed
