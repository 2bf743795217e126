"""Commands to play with: simulator, demo."""

import click

from service.cli import common


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


@click.command()
def demo() -> None:
    """Demo."""
