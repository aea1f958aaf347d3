"""How long does a cluster keep its promises while everything around it fails? Faults by chance, a verdict.

    python bench/chaos.py --minutes 60 --seed 7

Three nodes, PostgreSQL, Redis and a media engine on loopback; the same mixture as in the tests, for as long
as asked for. The seed is printed; the same one brings the same faults in the same order, at about the same
times. Exits non-zero when a promise was broken. Ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server" / "tests"))

from cluster.chaos import Chaos
from cluster.stage import Stage
from cluster.trial import prepare


def main() -> int:
    """Run, print the table, return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--logs", type=Path, help="folder for the nodes' logs; default: not kept")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started must go too
    with Stage(logs=chosen.logs) as stage:
        asyncio.run(prepare(stage))
        try:
            asyncio.run(Chaos(stage, seed=chosen.seed).run(minutes=chosen.minutes))
        except AssertionError as broken:
            print(broken, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
