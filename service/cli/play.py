"""Commands to play with: simulator, demo."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from service import clock
from service.cli import common, logs


@click.command(epilog="Example:  tunewatch simulator --port 8000 --speed 60")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free one.")
@click.option("--speed", type=click.FloatRange(0.01), default=60.0, show_default=True, help="Times faster than life.")
@click.option("--key", "keys", multiple=True, default=["sim-key"], show_default=True, help="May be repeated.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same jobs.")
def simulator(host: str, port: int, speed: float, keys: tuple[str, ...], seed: int) -> None:
    """A local server that speaks the fine-tuning API, with jobs that come and go by themselves.

    Try a configuration against it: OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=sim-key
    """
    from service.simulator import Simulator  # noqa: PLC0415 - an HTTP server that other commands do without

    stop = common.stop_on_signals()
    server = Simulator(host=host, port=port, keys=keys, seed=seed, speed=speed, history=25, arrivals_every=600)
    try:
        server.start()
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --port."
        ) from None
    try:
        click.echo(f"Fine-tuning API at {server.url}, keys: {', '.join(keys)}. Stop with Ctrl-C.")
        stop.wait()
    finally:
        server.stop()


class _Duration(click.ParamType[timedelta]):
    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            return value if isinstance(value, timedelta) else clock.to_duration(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}.", param, ctx)


@click.command(epilog="Example:  tunewatch demo --for 30s")
@click.option("--for", "length", type=_Duration(), default="60s", show_default=True, help="How long: 30s, 5m, 1h.")
@click.option("--keep", type=click.Path(path_type=Path, dir_okay=False), help="Leave the database here; a new file.")
def demo(length: timedelta, keep: Path | None) -> None:
    """See it work: a simulated provider, the real daemon, a real mail server. Needs no key and no configuration."""
    stop = common.stop_on_signals()
    if keep and keep.exists():
        raise click.BadParameter(f"{keep} is there already; name a file that is not.", param_hint="--keep")
    from service.demo import show  # noqa: PLC0415 - brings everything: openai, Apprise, Rich, two servers

    logs.set_up("human", "error")
    show.play(length, keep=keep, stop=stop)
