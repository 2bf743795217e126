"""`python -m benchmarks`: measures, prints, and with --write renews the tables in docs/performance.md."""

import argparse
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    cold_commands,
    curve,
    first_pass,
    image,
    memory,
    pass_cpu,
    questions,
    report,
    request_counts,
    sizes,
)

_DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
_MEASUREMENTS: dict[str, Callable[[], report.Table]] = {
    "image": image.measure,
    "cold": cold_commands.measure,
    "questions": questions.measure,
    "sizes": sizes.measure,
    "memory": memory.measure,
    "start": first_pass.measure,
    "cpu": pass_cpu.measure,
    "curve": curve.measure,
    "requests": request_counts.measure,
}


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="NAME", action="append", choices=_MEASUREMENTS, help=", ".join(_MEASUREMENTS))
    parser.add_argument("--write", action="store_true", help=f"renew the tables in {_DOCUMENT.name}")
    given = parser.parse_args()
    print(_machine(), end="\n\n")
    for name in given.only or _MEASUREMENTS:
        start = time.perf_counter()
        table = _MEASUREMENTS[name]()
        print(f"== {name} ({time.perf_counter() - start:.0f} s)\n{report.text(table)}\n", flush=True)
        if given.write:
            _write(name, f"{report.markdown(table)}\n\n{_when()}")


def _write(name: str, content: str) -> None:
    document = _DOCUMENT.read_text(encoding="utf-8")
    _DOCUMENT.write_text(report.replaced(document, name, content), encoding="utf-8")


def _when() -> str:
    return f"*{datetime.now(UTC):%Y-%m-%d}, {_machine()}*"


def _machine() -> str:
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    system = platform.freedesktop_os_release()
    return (
        f"{os.cpu_count()} cores, {memory_bytes / 2**30:.0f} GiB, {system['NAME'].split()[0]} "
        f"{system.get('VERSION_ID', '')}, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
