"""The page on the gate says the limits that presets have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from calibeval.core.gating.presets import PRESETS

PAGE = Path(__file__).parents[2] / "docs" / "gate.md"


@pytest.mark.parametrize("name", PRESETS)
def test_the_limits_of_a_preset_are_those_of_the_page(name):
    (said,) = re.findall(rf'`"{name}"`\s+\(([^)]*)\)', PAGE.read_text(encoding="utf-8"))
    numbers = [float(number) for number in re.findall(r"[\d.]+", said)]
    assert sorted(numbers) == pytest.approx(sorted(100 * rule.limit for rule in PRESETS[name]))
