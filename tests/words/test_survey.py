"""A survey in words: how many cells there are of those that could be, and in which direction they are off."""

import pytest

from calibeval.core.evaluation.settings import checked
from calibeval.core.metrics.result import MetricResult
from calibeval.core.survey.axes import Axis
from calibeval.core.survey.survey import Cell, Survey
from calibeval.words.survey import directions, title

AXES = (Axis("model", ("a", "b")), Axis("seed", (0, 1)))


def cell(model="a", seed=0, gap=0.0):
    found = MetricResult("confidence_gap", gap, floor=0.005, floor_high=0.01)
    return Cell({"model": model, "seed": seed}, "", 500, 3, {"confidence_gap": found})


@pytest.mark.parametrize(("count", "told"), [(3, "3 of 4 cells: model"), (4, "4 cells: model")])
def test_missing_cells_are_counted(count, told):
    cells = tuple(cell(model, seed) for model in "ab" for seed in (0, 1))[:count]
    settings = checked(images=False, slices=())
    assert title(Survey("1", settings, AXES, cells, ())).startswith(told)


@pytest.mark.parametrize(
    ("gaps", "told"),
    [
        ((0.2,), "Over-confident in the only cell"),
        ((-0.2, -0.2), "Under-confident in both cells"),
        ((0.0, 0.0), "Within noise in both cells"),
        ((0.0, 0.0, 0.2), "Of 3 cells, over-confident in 1, within noise in 2"),
    ],
)
def test_directions_of_cells(gaps, told):
    assert directions([cell(gap=gap) for gap in gaps]) == told
