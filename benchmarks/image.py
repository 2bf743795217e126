"""How much the image adds to its base."""

import shutil
import subprocess

from benchmarks.report import Goal, Table

_IMAGE, _BASE = "tunewatch", "python:3.13-slim"
_GOAL_BYTES = 130_000_000
_GOAL_TEXT = f"at most {_GOAL_BYTES // 1_000_000} MB above its base"
_HOW = f"Measured where Docker runs and both are there: `docker build -t {_IMAGE} .`, then this again."


def measure() -> Table:
    """Sizes as `docker image inspect` gives them: all layers, not compressed."""
    sizes = {name: _size(name) for name in (_IMAGE, _BASE)}
    ours, base = sizes.values()
    added = None if ours is None or base is None else ours - base
    return Table(
        headings=("image", "size"),
        rows=[
            *((f"`{name}`", _megabytes(size)) for name, size in sizes.items()),
            ("added", _megabytes(added)),
        ],
        goals=[
            Goal(text=_GOAL_TEXT, found=_megabytes(added), met=None if added is None else added <= _GOAL_BYTES),
        ],
        notes=[_HOW] if added is None else [],
    )


def _size(image: str) -> int | None:
    """Bytes; None without Docker or without the image."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    command = [docker, "image", "inspect", "--format", "{{.Size}}", image]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return int(done.stdout) if done.returncode == 0 else None


def _megabytes(size: int | None) -> str:
    return "not measured here" if size is None else f"{size / 1_000_000:.0f} MB"
