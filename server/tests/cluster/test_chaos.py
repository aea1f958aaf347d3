"""The random mixture, three minutes long; `bench/chaos.py` runs it longer."""

from __future__ import annotations

import os
import random

import pytest

from .chaos import Chaos
from .stage import Stage

MINUTES = 3.0


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_no_call_outlives_its_time_in_three_minutes_of_chaos(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(1_000_000))

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", flush=True)

    await Chaos(stage, seed=seed, say=say).run(minutes=float(os.environ.get("CHAOS_MINUTES") or MINUTES))
