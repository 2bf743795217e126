"""One message to one destination: marked before, sent, and the receipt after success."""

import logging
from collections.abc import Sequence
from datetime import datetime

from service import clock, errors, model, ports

log = logging.getLogger(__name__)

# What may have a course to show.
_PICTURED = (model.Kind.SUCCEEDED, model.Kind.FAILED, model.Kind.CANCELLED, model.Kind.STALLED, model.Kind.CHECKPOINT)


class Sender:
    """Remembers what was accepted and could not be written down."""

    def __init__(
        self, *, queue: ports.Queue, notifier: ports.Notifier, composer: ports.Composer, time: clock.Clock
    ) -> None:
        self._queue = queue
        self._notifier = notifier
        self._composer = composer
        self._time = time
        # By destination, what it accepted and the disk did not: the receipt is written as soon as it can be.
        self._accepted: dict[str, tuple[list[int], datetime]] = {}

    def most(self, destination: model.Destination) -> int:
        """How many notices one message may tell of there."""
        return self._composer.rows(self._notifier.room(destination.key))

    def send(self, destination: model.Destination, group: Sequence[model.Delivery]) -> str | None:
        """All of them in one message: None when the destination accepted it, else why not.

        Raises errors.StoreTrouble: before anything was sent, or when it was accepted and cannot be written down.
        """
        ids = [each.delivery_id for each in group]
        course = self._course(destination, group)
        self._queue.sending(ids)
        try:
            message = self._composer.compose([each.notice for each in group], destination, course)
            self._notifier.send(destination.key, message)
        except errors.Transient as error:
            return str(error)
        except Exception as surprise:
            # Whatever one notice does to us or to a plugin, the others go on. It is tried again like any other.
            log.exception("Notice %s cannot be sent to %s", group[0].notice.notice_id, destination.name)
            return f"an unforeseen error: {type(surprise).__name__}; the log says where"
        self._accepted[destination.key] = (ids, self._time.now())
        self.write_receipt(destination)
        for each in group:
            log.info(
                "%s: notice `%s` about %s delivered", destination.name, each.notice.kind,
                each.notice.job_id or each.notice.account or "the watch",
            )  # fmt: skip
        return None

    def write_receipt(self, destination: model.Destination) -> None:
        """Also the one that could not be written when it was due: what was accepted is not sent again."""
        if destination.key in self._accepted:
            self._queue.sent(*self._accepted[destination.key])
            del self._accepted[destination.key]

    def tell(self, destination: model.Destination, notice: model.Notice) -> None:
        """Past the database, once."""
        try:
            self._notifier.send(destination.key, self._composer.compose([notice], destination))
        except errors.Transient as error:
            log.warning("%s: %s", destination.name, error)

    def _course(self, destination: model.Destination, group: Sequence[model.Delivery]) -> model.Course | None:
        """What there is for a picture, where it would be seen; several notices have none."""
        notice = group[0].notice
        if len(group) > 1 or notice.kind not in _PICTURED or not notice.account or not notice.job_id:
            return None
        return self._queue.course(notice.account, notice.job_id) if self._shown(destination) else None

    def _shown(self, destination: model.Destination) -> bool:
        return self._notifier.shows_pictures(destination.key)
