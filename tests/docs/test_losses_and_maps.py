"""The guides name every loss and every map of the tables, and say of a map whether it keeps the predicted class."""

import re
from pathlib import Path

from calibeval.losses.table import LOSS_TABLE
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.temperature.objectives import OBJECTIVES

HOWTO = Path(__file__).parents[2] / "docs/howto"
LOSSES, MAPS = ((HOWTO / f"{name}.md").read_text(encoding="utf-8") for name in ("losses", "recalibrate"))


def test_every_loss_is_in_the_guide():
    named = set(re.findall(r"`([A-Za-z]+)\(", LOSSES.partition("|---|")[2].partition("\n\n")[0]))
    assert named == {entry.criterion.__name__ for entry in LOSS_TABLE.values()} - {"CrossEntropy"}


def test_every_map_is_in_the_guide():
    rows = re.findall(r"^\| `([a-z-]+)` \|.*\| (yes|no) \|$", MAPS, re.MULTILINE)
    assert rows == [(name, "yes" if spec.keeps_top else "no") for name, spec in METHODS.items()]


def test_every_objective_is_in_the_guide():
    assert [name for name in OBJECTIVES if f"--objective {name}" not in MAPS] == ["nll"]  # which needs no option
