"""`python -m tests.torture [--kills N] [--seed N]`: the whole campaign; exit code 1 when anything did not hold."""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.torture import campaign, plan, report


def main() -> int:
    asked = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="tunewatch-torture-"))
    print(f"{asked.kills} kills, seed {asked.seed}; evidence in {folder}", flush=True)
    outcome = campaign.Campaign(folder, asked.seed, lambda text: print(text, flush=True)).play(
        plan.whole(asked.kills, asked.seed)
    )
    if asked.kills >= plan.KILLS_FOR_ALL:
        outcome.violations += campaign.not_hit(outcome)
    print("\n".join(report.lines(outcome)))
    if outcome.violations:
        (folder / "violations.txt").write_text("\n".join(outcome.violations), encoding="utf-8")
        print(f"The evidence stays in {folder}: databases, logs, all violations")
        return 1
    shutil.rmtree(folder)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
