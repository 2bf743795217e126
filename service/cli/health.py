"""The command that says whether the watch works; the image's HEALTHCHECK calls it."""

from datetime import datetime

import click

from service import clock, errors
from service.cli import common, output
from service.config import source
from service.rules import backups, plain
from service.rules import health as rules
from service.store import backup, condition, lease
from service.store import engine as engines


@click.command(epilog="Example:  tunewatch health || echo blind")
@common.config_option
@common.json_option
def health(config: str | None, as_json: bool) -> None:
    """Whether the watch works.

    Exit codes: 0 fine, 69 an account, a channel or the backup does not work, 1 nobody is watching or can record.
    """
    try:
        checks, watched = _checks(config)
    except errors.NoDatabase as error:
        checks, watched = [{"part": "daemon", "problem": str(error)}], False
    except (errors.DatabaseRefused, errors.StoreTrouble) as error:
        checks, watched = [{"part": "database", "problem": str(error)}], False
    fine = not any(check["problem"] for check in checks)
    if as_json:
        output.as_json({"healthy": fine, "checks": checks})
    else:
        for check in checks:
            click.echo(f"{'FAIL' if check['problem'] else 'ok':<5} {check['part']}: {_said(check)}")
    if not fine:
        raise SystemExit(common.UNAVAILABLE if watched else common.FAILED)


def _said(check: dict[str, str | None]) -> str:
    return plain.line(check["problem"] or check.get("note") or "fine", 1000)


def _checks(config: str | None) -> tuple[list[dict[str, str | None]], bool]:
    """One entry per part, and whether somebody is watching and can record what is seen."""
    now = clock.SystemClock().now()
    with common.desk(config) as desk:
        held = lease.held(desk.url)
        database = _database(desk.url, held=held)
        process, accounts = desk.history.process(), desk.history.accounts()
        destinations = desk.history.destinations(clock.to_text(now - rules.FAILURES_SHOWN_FOR))
    stopped, started = (_time(process, name) for name in ("stopped_at", "started_at"))
    polled = any(row["last_pass_at"] for row in accounts)
    checks: list[dict[str, str | None]] = [
        {
            "part": "daemon",
            "problem": rules.daemon_problem(held=held, started_at=started, stopped_at=stopped, polled=polled),
            "note": "running" if held else "none; `tunewatch poll` looks",
        },
        *database,
        *_backup(config, desk, watching_since=started if held else None, now=now),
    ]
    for row in accounts:
        account = rules.Account(
            last_error=row["last_error"],
            **{name: _time(row, name) for name in ("last_good_at", "next_pass_at", "failing_since", "blind_at")},
        )  # fmt: skip
        seen = f"last seen {output.local(row['last_good_at'], desk.zone)}" if row["last_good_at"] else "not seen yet"
        if account.failing_since:
            seen += f"; the last look failed: {account.last_error}"
        problem = rules.account_problem(account, started_at=started, now=now)
        checks.append({"part": f"account {row['name']}", "problem": problem, "note": seen})
    for row in destinations:
        destination = rules.Destination(
            announced_at=_time(row, "announced_at"), last_error=row["last_error"],
            waiting=row["waiting"], failed=row["failed"],
        )  # fmt: skip
        note = f"{row['waiting']} waiting" if row["waiting"] else "fine"
        if destination.last_error:
            note += f"; the last attempt failed: {destination.last_error}"
        part = f"channel {row['channel']} ({row['label']})"
        checks.append({"part": part, "problem": rules.destination_problem(destination), "note": note})
    watched = held or (polled and process is None)
    return checks, watched and not any(check["problem"] for check in database)


def _database(url: str, *, held: bool) -> list[dict[str, str | None]]:
    path = engines.file_of(url)
    if path is None:
        return []
    # What a daemon noted that is no more says nothing of now.
    found = condition.look(path, lease.noted(url) if held else None)
    return [{"part": "database", "problem": rules.database_problem(found), "note": found.path}]


def _backup(
    config: str | None, desk: common.Desk, *, watching_since: datetime | None, now: datetime
) -> list[dict[str, str | None]]:
    settings = source.backups(config)
    if settings is None or engines.file_of(desk.url) is None:
        return []
    try:
        newest, note = backups.newest(backup.names(settings.folder), now), "none yet"
    except (errors.DatabaseRefused, errors.StoreTrouble) as error:
        return [{"part": "backup", "problem": str(error)}]
    if newest:
        note = f"the newest is of {output.local(clock.to_text(newest), desk.zone)}, in {settings.folder.absolute()}"
    problem = rules.backup_problem(
        str(settings.folder.absolute()), newest, every=settings.every, watching_since=watching_since, now=now
    )
    return [{"part": "backup", "problem": problem, "note": note}]


def _time(row: output.Row | None, name: str) -> datetime | None:
    return clock.from_text(row[name]) if row and row[name] else None
