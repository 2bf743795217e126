"""What a notice about a job of the history is made of; for commands that show one without sending it."""

import click

from service import clock, model, wiring
from service.cli import common
from service.config import schema
from service.rules import notices
from service.store.record import Record


def channel(settings: schema.Settings, name: str | None) -> model.Channel:
    """The rules of the channel with this name, without one of the first; of a plain one when there is none."""
    _, destinations = wiring.channels(settings)
    rules = {each.channel.name: each.channel for each in destinations}
    if name and name not in rules:
        raise click.UsageError(f"There is no channel {name!r}; the configuration has: {', '.join(rules) or 'none'}.")
    plain = model.Channel(name="default", kinds=frozenset(model.Kind), language=settings.notices.language)
    return rules[name] if name else next(iter(rules.values()), plain)


def of_job(
    desk: common.Desk, name: str, kind: model.Kind, settings: schema.Settings
) -> tuple[model.Notice, model.Course]:
    """A notice of this kind about the job, and what is known of its course. Raises errors.NotFound."""
    row = desk.history.job(name)
    account, job_id = row["account"], row["job_id"]
    record = Record(desk.engine)
    job, course = record.known(account, [job_id])[job_id], record.course(account, job_id)
    now = clock.SystemClock().now()
    facts = notices.of_job(
        kind, job, events=course.events, metrics=course.metrics, checkpoints=course.checkpoints,
        now=now, **_addresses(settings, account, job_id),
    )  # fmt: skip
    return facts, course


def _addresses(settings: schema.Settings, account: str, job_id: str) -> dict[str, str | None]:
    """Where the job and its model are, as far as the configuration still has the account."""
    configured = next((each for each in settings.accounts if each.name == account), None)
    if configured is None:
        return {"page_url": None, "api_url": None}
    provider = wiring.provider(configured, settings.poll)
    try:
        return {"page_url": provider.page_url(job_id), "api_url": provider.api_url}
    finally:
        provider.close()
