"""Commands for setting up: check, test-notice."""

import click

from service import clock, errors
from service.cli import common
from service.config import source
from service.rules import masking, notices, plain
from service.store import migrate


@click.command(epilog="Example:  tunewatch check --online")
@common.config_option
@click.option("--online", is_flag=True, help="Also ask every account for one page of jobs. Sends no notice.")
def check(config: str | None, online: bool) -> None:
    """Whether the configuration would be accepted; changes nothing."""
    # These bring openai and Apprise, which most commands do without.
    from service import wiring  # noqa: PLC0415

    settings = wiring.load_settings(config)
    migrate.check(settings.database.url)
    _, destinations = wiring.channels(settings)
    for warning in common.warnings(settings, config):
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{source.find(config)}: accepted")
    for destination in destinations:
        kinds = ", ".join(sorted(destination.channel.kinds))
        click.echo(f"channel {destination.name}: {kinds}")
    failed = False
    for account in settings.accounts:
        if not online:
            click.echo(f"account {account.name}: {masking.shown(account.base_url)} (not asked; --online asks)")
            continue
        provider = wiring.provider(account, settings.poll)
        try:
            page = provider.jobs(None)
        except (errors.Transient, errors.Permanent) as error:
            click.echo(f"account {account.name}: {plain.line(error, 1000)}", err=True)
            failed = True
        else:
            click.echo(f"account {account.name}: answers, {len(page.items)} jobs on the first page")
        finally:
            provider.close()
    if failed:
        raise SystemExit(common.UNAVAILABLE)


@click.command("test-notice", epilog="Example:  tunewatch test-notice --channel ops")
@common.config_option
@click.option("--channel", metavar="NAME", help="Only this channel [default: all of them].")
def test_notice(config: str | None, channel: str | None) -> None:
    """Send a test notice through the channels, and say for each destination whether it was accepted."""
    # These bring openai and Apprise, which most commands do without.
    from service import wiring  # noqa: PLC0415
    from service.composer import examples  # noqa: PLC0415

    settings = wiring.load_settings(config)
    speaker = wiring.composer(settings)
    notifier, destinations = wiring.channels(settings)
    names = [each.name for each in settings.channels]
    if channel and channel not in names:
        known = ", ".join(names) or "none"
        raise click.UsageError(f"There is no channel {channel!r}; the configuration has: {known}.")
    chosen = [each for each in destinations if channel in (None, each.channel.name)]
    if not chosen:
        raise click.ClickException("There is no channel to test: add [[channels]] with name and url.")
    failed = False
    for destination in chosen:
        notice = notices.trial(destination.channel.name, clock.SystemClock().now())
        course = examples.course() if notifier.shows_pictures(destination.key) else None
        message = speaker.compose([notice], destination, course)
        try:
            notifier.send(destination.key, message)
        except errors.Transient as error:
            click.echo(f"{destination.name}: {error}", err=True)
            failed = True
        else:
            click.echo(f"{destination.name}: accepted")
    if failed:
        raise SystemExit(common.UNAVAILABLE)
