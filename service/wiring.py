"""The one place where things are built and put together."""

import contextlib
import random
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass

import service
from service import clock, errors, model
from service.composer.composer import Composer
from service.config import load, schema
from service.notifier import destinations as urls
from service.notifier.notifier import AppriseNotifier
from service.outbox.digests import Digests
from service.outbox.outbox import Outbox
from service.providers.openai_api import OpenAIProvider
from service.rules import cost, patience
from service.store import engine as engines
from service.store import lease, migrate, process
from service.store.backup import Attic
from service.store.past import Backlog
from service.store.queue import Queue
from service.store.record import Record
from service.store.shelf import Shelf
from service.upkeep.backups import Backups
from service.upkeep.upkeep import Upkeep
from service.watcher.past import Past
from service.watcher.watcher import Settings as WatchSettings
from service.watcher.watcher import Watcher


@dataclass(frozen=True, kw_only=True)
class App:
    """Everything that runs, ready to run.

    `lease` is the right to write to the database, and knows what befalls its files.
    """

    settings: schema.Settings
    watchers: tuple[Watcher, ...]
    pasts: tuple[Past, ...]
    providers: tuple[OpenAIProvider, ...]
    destinations: tuple[model.Destination, ...]
    notifier: AppriseNotifier
    outbox: Outbox
    digests: Digests
    upkeep: Upkeep
    lease: lease.Lease
    clock: clock.Clock


@dataclass(frozen=True, kw_only=True)
class Study:
    """What reads the past and nothing else."""

    pasts: tuple[Past, ...]
    providers: tuple[OpenAIProvider, ...]


def load_settings(given: str | None) -> schema.Settings:
    """The checked configuration (see config.load.load)."""
    return load.load(
        given,
        url_fault=_url_fault,
        database_fault=engines.fault,
        template_faults=lambda settings: composer(settings).faults(),
    )


def channels(settings: schema.Settings) -> tuple[AppriseNotifier, tuple[model.Destination, ...]]:
    """The notifier with every destination of every channel."""
    notifier = AppriseNotifier()
    found: list[model.Destination] = []
    for channel in settings.channels:
        addresses = [url for secret in channel.url for url in urls.split(secret.get_secret_value())]
        found += notifier.add(_channel(channel, settings.notices), addresses)
    return notifier, tuple(found)


def composer(settings: schema.Settings) -> Composer:
    """Who finds the words for notices."""
    return Composer(
        zone=zoneinfo.ZoneInfo(settings.notices.timezone),
        prices={pattern: cost.Price(**price.model_dump()) for pattern, price in settings.prices.items()},
        overrides=settings.notices.templates,
    )


def _channel(channel: schema.Channel, notices: schema.Notices) -> model.Channel:
    return model.Channel(
        name=channel.name,
        kinds=frozenset(channel.on),
        accounts=tuple(channel.accounts),
        models=tuple(channel.models),
        metadata=channel.metadata,
        min_duration=channel.min_duration,
        group_wait=channel.group_wait,
        quiet=channel.quiet,
        urgent=frozenset(channel.urgent),
        most_per_hour=channel.most_per_hour,
        digest_at=channel.digest,
        fallback=channel.fallback,
        fallback_after=channel.fallback_after,
        language=channel.language or notices.language,
    )


def provider(account: schema.Account, poll: schema.Poll) -> OpenAIProvider:
    """The way to one account."""
    return OpenAIProvider(
        account=account.name,
        api_key=account.api_key.get_secret_value().strip(),
        base_url=account.base_url,
        request_timeout=poll.request_timeout,
        organization=account.organization or None,
        project=account.project or None,
    )


@contextlib.contextmanager
def opened(settings: schema.Settings, *, daemon: bool, time: clock.Clock | None = None) -> Iterator[App]:
    """The app on its database, which is ours alone, migrated and put in order until the block is left.

    `daemon`: note in the database that a daemon watches. Raises errors.AlreadyRunning or errors.DatabaseRefused.
    """
    time = time or clock.SystemClock()
    url = settings.database.url
    with contextlib.ExitStack() as stack:
        # A file that is not ours is refused before even a lock file is laid beside it.
        migrate.check(url)
        holder = lease.Lease(url)
        holder.take(time.now())
        stack.callback(holder.release)
        migrate.upgrade(url, apart=daemon)
        holder.watch_over()
        engine = engines.writing(url)
        stack.callback(_close, engine, holder)
        if daemon:
            process.started(engine, service.__version__, time.now())
            stack.callback(_note_stop, engine, time, holder)
        app = _build(settings, engine, time, holder)
        for each in app.providers:
            stack.callback(each.close)
        Record(engine).configured([account.name for account in settings.accounts])
        app.outbox.resume(time.now())
        yield app


@contextlib.contextmanager
def studying(settings: schema.Settings) -> Iterator[Study]:
    """The past of every account, read for somebody who waits for it: on a database that is there already, beside
    whoever else uses it.

    Raises errors.NoDatabase or errors.DatabaseRefused.
    """
    url = settings.database.url
    migrate.reading(url).dispose()
    with contextlib.ExitStack() as stack:
        engine = engines.writing(url)
        stack.callback(engine.dispose)
        providers = tuple(provider(account, settings.poll) for account in settings.accounts)
        for each in providers:
            stack.callback(each.close)
        yield Study(pasts=_pasts(settings, providers, engine, clock.SystemClock(), patience.BRISK), providers=providers)


def _note_stop(engine: engines.Engine, time: clock.Clock, holder: lease.Lease) -> None:
    # A database that went away must not keep us from ending.
    with contextlib.suppress(errors.StoreTrouble):
        if not holder.abandoned:
            process.stopped(engine, time.now())


def _close(engine: engines.Engine, holder: lease.Lease) -> None:
    # The process ends right after this one; nothing else may be done to a database that is damaged.
    if not holder.abandoned:
        engine.dispose()


def _build(settings: schema.Settings, engine: engines.Engine, time: clock.Clock, holder: lease.Lease) -> App:
    notifier, found = channels(settings)
    record = Record(engine)
    zone = zoneinfo.ZoneInfo(settings.notices.timezone)
    providers = tuple(provider(account, settings.poll) for account in settings.accounts)
    return App(
        settings=settings,
        watchers=tuple(
            Watcher(_watch(account, settings), provider=each, record=record, destinations=found, time=time)
            for account, each in zip(settings.accounts, providers, strict=True)
        ),
        pasts=_pasts(settings, providers, engine, time, patience.GENTLE),
        providers=providers,
        destinations=found,
        notifier=notifier,
        outbox=Outbox(
            queue=Queue(engine),
            notifier=notifier,
            destinations=found,
            composer=composer(settings),
            zone=zone,
            give_up_after=settings.notices.give_up_after,
            luck=random.random,
            time=time,
        ),
        digests=Digests(
            queue=Queue(engine), destinations=found, zone=zone, stalled_after=settings.notices.stalled_after
        ),
        upkeep=Upkeep(Shelf(engine), settings.database.keep_events, _backups(settings.database)),
        lease=holder,
        clock=time,
    )


def _backups(database: schema.Database) -> Backups | None:
    file = engines.file_of(database.url)
    if file is None or database.backup is None:
        return None
    attic = Attic(file, database.backup)
    return Backups(attic, every=database.backup_every, keep=database.backup_keep)


def _pasts(
    settings: schema.Settings,
    providers: tuple[OpenAIProvider, ...],
    engine: engines.Engine,
    time: clock.Clock,
    pace: patience.Pace,
) -> tuple[Past, ...]:
    record, backlog = Record(engine), Backlog(engine)
    return tuple(
        Past(account.name, provider=each.unhurried(), record=record, backlog=backlog, time=time, pace=pace)
        for account, each in zip(settings.accounts, providers, strict=True)
    )


def _watch(account: schema.Account, settings: schema.Settings) -> WatchSettings:
    poll = settings.poll
    return WatchSettings(
        account=account.name,
        interval=poll.interval,
        idle_interval=poll.idle_interval,
        blind_after=poll.blind_after,
        first_run=poll.first_run,
        stalled_after=settings.notices.stalled_after,
        model_question=settings.notices.model_question,
    )


def _url_fault(value: str) -> str | None:
    """The first fault among the URLs in a channel's string."""
    return next((fault for fault in map(urls.fault, urls.split(value)) if fault), None)
