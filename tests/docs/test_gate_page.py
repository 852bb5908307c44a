"""The page on the gate says the limits that presets have, and the rows that they are meant for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from calibeval.core.gating.presets import MEANT_FOR, PRESETS

PAGE = Path(__file__).parents[2] / "docs" / "gate.md"


@pytest.mark.parametrize("name", PRESETS)
def test_the_limits_of_a_preset_are_those_of_the_page(name):
    (said,) = re.findall(
        rf'^\| `"{name}"` \|(.*)\|(.*) rows or more \|$', PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    numbers = [float(number) for number in re.findall(r"[\d.]+", said[0])]
    limits = [100 * rule.limit for rule in PRESETS[name]]
    limits.remove(100 * next(rule.limit for rule in PRESETS[name] if rule.metric == "brier"))  # said with NLL
    assert sorted(numbers) == pytest.approx(sorted(limits))
    assert int(said[1].replace(",", "")) == MEANT_FOR[name]
