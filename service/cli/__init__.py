"""The command line. Importing it is cheap; commands that need openai or Apprise import them when called."""

import codecs
import io
import sys

import click

import service
from service import errors
from service.cli import common, health, history, notices, play, resend, setup, sql, watch
from service.rules import plain


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(service.__version__, prog_name="tunewatch")
def root() -> None:
    """Watches fine-tuning jobs, keeps their history, tells you when they end.

    \b
    First steps:
      tunewatch demo                 see it work, with nothing configured
      tunewatch check --online       try the configuration
      tunewatch test-notice          try the channels
      tunewatch run                  watch

    Exit codes: 0 fine, 1 it failed, 2 wrong usage, 69 provider or channel unavailable, 75 another instance
    holds the database, 78 configuration refused.
    """


for _command in (
    watch.run, watch.poll, setup.check, setup.test_notice, history.jobs, history.show, history.history,
    history.events, history.deliveries, sql.sql, notices.preview, notices.route, resend.resend, health.health, setup.db,
    play.simulator, play.demo,
):  # fmt: skip
    root.add_command(_command)


def _look_alike(error: UnicodeError) -> tuple[str | bytes, int]:
    """For terminals that know ASCII only: one sign for one, so that tables stay straight."""
    assert isinstance(error, UnicodeEncodeError)
    found = error.object[error.start : error.end]
    return "".join("*" if "\u2801" <= char <= "\u28ff" else _LOOK_ALIKES.get(char, "?") for char in found), error.end


_LOOK_ALIKES = {"…": "~", "–": "-", "·": ".", "×": "x", "→": ">", "✓": "+", "│": "|", "└": "+", "─": "-", "┤": "+",
                "┬": "+", "\u2800": " "}  # fmt: skip


def main() -> None:
    """The program `tunewatch`."""
    codecs.register_error("look-alike", _look_alike)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="look-alike")
    try:
        root(prog_name="tunewatch")
    except errors.TunewatchError as error:
        click.echo(plain.lines(error), err=True)
        sys.exit(common.exit_code(error))
