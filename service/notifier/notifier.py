"""Sending through Apprise: one object per destination, one attempt per call."""

import logging
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from apprise import Apprise, AppriseAttachment, NotifyType
from apprise.plugins.base import NotifyBase
from apprise.result import AppriseResult, AppriseResultStatus

from service import bounded, errors, model
from service.notifier import destinations, fitting, flavours, pictures
from service.notifier.mail import Mail
from service.notifier.webhook import Webhook
from service.rules import plain

log = logging.getLogger(__name__)

# What is not here is information.
_TYPES = {
    model.Kind.SUCCEEDED: NotifyType.SUCCESS,
    model.Kind.WATCH_RECOVERED: NotifyType.SUCCESS,
    model.Kind.FAILED: NotifyType.FAILURE,
    model.Kind.CANCELLED: NotifyType.WARNING,
    model.Kind.WATCH_FAILING: NotifyType.WARNING,
    model.Kind.DELIVERY_FAILED: NotifyType.WARNING,
    model.Kind.STALLED: NotifyType.WARNING,
    model.Kind.MODEL_SHUTDOWN: NotifyType.WARNING,
}
# Of what plugins log for debugging, only these lines say why; others hold payloads and addresses.
_INNERMOST = re.compile(r"(?:\[Errno -?\d+\]|Tunnel connection failed:) ([^'\")\]]+)")
_ADDRESS = re.compile(r"(with url: |[a-z]://[^\s/?#'\"<>]*)[/?#][^\s'\"<>]*", re.IGNORECASE)
_MOST_TOLD = 20_000
_REASONS = ("Socket Exception:", "Notification Exception:")


class AppriseNotifier:
    """The destinations of all channels (see ports.Notifier).

    `longest_send`: after so long an attempt counts as failed; longer than any healthy service takes.
    """

    def __init__(self, *, longest_send: timedelta = timedelta(minutes=1)) -> None:
        self._longest_send = longest_send
        self._targets: dict[str, destinations.Target] = {}
        self._lanes: dict[str, bounded.Lane] = {}

    def add(self, channel: model.Channel, urls: Iterable[str]) -> list[model.Destination]:
        """Take up a channel's URLs; the destinations behind them. A URL named twice counts once."""
        found = {target.key: target for url in urls for target in destinations.targets(channel.name, url)}
        self._targets.update(found)
        return [model.Destination(key=target.key, channel=channel, label=target.label) for target in found.values()]

    def room(self, destination: str) -> int:
        return fitting.room(self._targets[destination].plugin)

    def shows_pictures(self, destination: str) -> bool:
        return pictures.shown(self._targets[destination].plugin)

    def send(self, destination: str, message: model.Message) -> None:
        target = self._targets[destination]
        lane = self._lanes.setdefault(destination, bounded.Lane())
        result = lane.run(lambda: _notify(target, message), self._longest_send.total_seconds(), message.dedup_key)
        if result.status is not AppriseResultStatus.SUCCESS:
            raise errors.Transient(_why(result, target))


def _notify(target: destinations.Target, message: model.Message) -> AppriseResult:
    """The text must arrive, once; the picture may. Whatever becomes of it, the result is that of the text."""
    plugin = target.plugin
    # Here, where no other attempt at this destination is under way, and not before: one that hangs has its own.
    _prepare(plugin, message)
    form = fitting.fitted(message, plugin)
    with pictures.filed(message.picture if pictures.attaches(plugin) else None) as picture:
        together = picture and pictures.together(plugin, form)
        if together:
            result = _deliver(plugin, message, form, picture)
            if result.status is AppriseResultStatus.SUCCESS:
                return result
            # Perhaps it was refused for the picture's sake: some servers take none, or none so large.
        result = _deliver(plugin, message, form)
        if picture and not together and result.status is AppriseResultStatus.SUCCESS:
            after = _deliver(plugin, message, pictures.alone(plugin, message, form), picture)
            if after.status is not AppriseResultStatus.SUCCESS:
                log.info("%s: the curve of %s was not taken: %s", target.label, message.notice_id, _why(after, target))
        return result


def _prepare(plugin: NotifyBase, message: model.Message) -> None:
    if isinstance(plugin, Mail):
        plugin.message = message
    elif hasattr(plugin, "headers"):
        # Plain webhooks (JSON, form, XML) can carry it; chat services have no place for it.
        plugin.headers["Idempotency-Key"] = message.dedup_key
    if isinstance(plugin, Webhook):
        plugin.data = message.data
    _wake_up(plugin)


def _deliver(
    plugin: NotifyBase, message: model.Message, form: flavours.Form, picture: AppriseAttachment | None = None
) -> AppriseResult:
    outlet = Apprise()
    outlet.add(plugin)
    return outlet.notify(
        title=form.title,
        body=form.body,
        notify_type=_TYPES.get(message.kind, NotifyType.INFO),
        body_format=form.format,
        attach=picture,
        log_level=logging.DEBUG,
    )


def _wake_up(plugin: NotifyBase) -> None:
    """Apprise spaces requests by the local wall clock: set back, as when summer time ends, it would sleep so long."""
    last = plugin._last_io_datetime  # a local time without its zone
    if last and last > datetime.now():  # noqa: DTZ005
        plugin._last_io_datetime = None


def _why(result: AppriseResult, target: destinations.Target) -> str:
    """What the plugin said about the failure, on one line and without anything secret."""
    told: list[str] = []
    for entry in result.logs():
        if entry.level in ("WARNING", "ERROR"):
            told.append(entry.message.strip())
        elif entry.message.startswith(_REASONS):
            # Of a nest of exceptions, the innermost reason is the one that helps.
            innermost = _INNERMOST.search(entry.message)
            way = "proxy: " if "ProxyError" in entry.message else ""
            told.append(way + innermost[1] if innermost else entry.message.partition(":")[2].strip())
    text = "; ".join(dict.fromkeys(told)) or "the service did not accept it and gave no reason"
    # Paths and queries also hold tokens that the service itself gave us.
    return plain.line(target.mask().cut(_ADDRESS.sub(r"\1…", text[:_MOST_TOLD])), 500)
