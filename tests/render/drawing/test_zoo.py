"""Error against calibration error of models: places, the front, and the figure."""

import pytest

from calibeval.core.errors import InputError
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.settings import Settings
from calibeval.core.survey.axes import Axis
from calibeval.core.survey.ranks import RankedModel, Ranking
from calibeval.core.survey.survey import Cell, Survey
from calibeval.render.drawing.marks import Dot, Stroke
from calibeval.render.drawing.svg import sheet_svg
from calibeval.render.drawing.zoo import on_front, zoo_marks, zoo_of
from calibeval.render.drawing.zoo_sheet import zoo_sheet

# Of each: accuracy, ECE, ECE after the map, NLL after it. "flat" has the smallest ECE, and knows the least.
MODELS = {"good": (0.9, 0.10, 0.01, 0.3), "sharp": (0.92, 0.12, 0.02, 0.4), "flat": (0.7, 0.02, 0.02, 0.9)}


def survey():
    cells = []
    for name, (accuracy, ece, after, _) in MODELS.items():
        metrics = {
            "accuracy": MetricResult("accuracy", accuracy, low=accuracy - 0.02, high=accuracy + 0.01),
            "ece": MetricResult("ece", ece, low=ece - 0.01, high=ece + 0.01),
        }
        mapped = {**metrics, "ece": MetricResult("ece", after)}
        cells.append(Cell({"model": name}, name, 100, 3, metrics, mapped))
    models = [RankedModel(name, own[3], first=1, last=3, best=True) for name, own in MODELS.items()]
    ranked = Ranking("model", (), 1, 100, 5, 0.95, tuple(sorted(models, key=lambda one: one.nll)), ())
    return Survey("1", Settings(), (Axis("model", tuple(MODELS)),), tuple(cells), (), ranking=ranked)


def test_the_front_is_by_error_and_nll_not_by_ece():
    assert on_front(survey()) == {"good", "sharp"}


def test_models_stand_at_their_error_and_move_to_the_ece_after_the_map():
    found = zoo_of(survey())
    good = next(one for one in found.models if one.name == "good")
    assert (good.error, good.ece, good.after) == (pytest.approx(10), pytest.approx(10), pytest.approx(1))
    assert good.error_ends == pytest.approx((9, 12))
    assert [one.number for one in found.models] == [1, 2, 3]
    marks = zoo_marks(found, 6.0)
    moves = [mark for mark in marks if isinstance(mark, Stroke) and mark.role == "move"]
    assert len(moves) == 3
    assert all(mark.start[0] == mark.end[0] for mark in moves)
    assert sum(isinstance(mark, Dot) and mark.role == "dot front" for mark in marks) == 2


def test_the_figure_names_the_models():
    text = sheet_svg(zoo_sheet(survey()))
    assert "1 good" in text
    assert "On the front: good, sharp." in text
    bare = Survey("1", Settings(), (), (), ())
    with pytest.raises(InputError, match="--rank"):
        zoo_sheet(bare)
