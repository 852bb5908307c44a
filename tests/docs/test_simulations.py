"""docs/statistics.md names simulations that exist and that `make simulations` runs."""

from __future__ import annotations

import re
from pathlib import Path

from tests.benchmarks.run import SIMULATIONS

ROOT = Path(__file__).resolve().parents[2]


def test_simulations_of_the_page_are_those_that_run():
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    named = set(re.findall(r"python -m tests\.benchmarks\.(\w+)", page))
    assert named - {"plots", "run"} <= set(SIMULATIONS)
    assert all((ROOT / "tests" / "benchmarks" / f"{name}.py").exists() for name in SIMULATIONS)
