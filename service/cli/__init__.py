"""The command line. Importing it is cheap; commands that need openai or Apprise import them when called."""

import codecs
import io
import os
import sys
from pathlib import Path
from typing import TextIO

import click

import service
from service import errors
from service.cli import (
    backfill,
    care,
    common,
    health,
    history,
    jobs,
    metrics,
    moving,
    notices,
    play,
    resend,
    setup,
    show,
    sql,
    stats,
    watch,
)
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
    watch.run, watch.poll, backfill.backfill,
    setup.check, setup.test_notice,
    jobs.jobs, show.show, history.history, history.events, metrics.metrics, metrics.compare, stats.stats, sql.sql,
    history.deliveries, resend.resend, notices.preview, notices.route, health.health,
    moving.export, moving.import_, care.db,
    play.simulator, play.demo,
):  # fmt: skip
    root.add_command(_command)


# What the tables and curves are drawn with, and what stands for it where only ASCII is known: one sign for one.
_LOOK_ALIKES = {"…": "~", "–": "-", "·": ".", "×": "x", "→": ">", "✓": "+", "●": "o", "≠": "!", "│": "|", "┤": "+",
                "└": "+", "─": "-"}  # fmt: skip


def _look_alike(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    found = error.object[error.start : error.end]
    # The dots of a curve are Braille.
    return "".join("*" if "\u2801" <= char <= "\u28ff" else _LOOK_ALIKES.get(char, "?") for char in found), error.end


def _seven_bit(name: str) -> codecs.CodecInfo | None:
    """ASCII under another name: what is called ASCII, Click takes for a mistake and writes UTF-8 all the same."""
    if name != "seven_bit":
        return None
    ascii_codec = codecs.lookup("ascii")
    return codecs.CodecInfo(
        ascii_codec.encode, ascii_codec.decode, incrementalencoder=ascii_codec.incrementalencoder,
        incrementaldecoder=ascii_codec.incrementaldecoder, name=name,
    )  # fmt: skip


def _prepare(stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper):
        is_ascii = codecs.lookup(stream.encoding).name == "ascii"
        stream.reconfigure(encoding="seven_bit" if is_ascii else None, errors="look-alike")


def main() -> None:
    """The program `tunewatch`."""
    if sys.stdout is None:
        # Closed by who called us; whatever is written to it shall fail like writing to a full disk.
        sys.stdout = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    codecs.register(_seven_bit)
    codecs.register_error("look-alike", _look_alike)
    _prepare(sys.stdout)
    _prepare(sys.stderr)
    try:
        root(prog_name="tunewatch")
    except errors.TunewatchError as error:
        click.echo(plain.lines(error), err=True)
        sys.exit(common.exit_code(error))
    except UnicodeEncodeError:
        click.echo("What was given holds bytes that are no text.", err=True)
        sys.exit(common.MISUSED)
    except OSError as error:
        # Of files we say more where they are opened; this is what is left: most of all, where the output goes.
        click.echo(f"It cannot be written or read: {error.strerror or error}.", err=True)
        sys.exit(common.FAILED)
