"""Ranks of models on the same rows: hand arithmetic, Holm over pairs, and what cannot be ranked."""

import math

import numpy as np
import pytest

from calibeval.core.errors import UsageError
from calibeval.core.survey.axes import Axis
from calibeval.core.survey.ranking import models_of, ranking_of
from calibeval.core.survey.rows import Units, UnitValues
from calibeval.core.survey.survey import Cell
from calibeval.core.survey.together import Kept
from calibeval.core.uncertainty.special import student_tail


def kept(nll, *, key="rows", wrong=20, sizes=None):
    """What is kept of the rows of a model; nll: after the map."""
    values = np.asarray(nll, np.float32)
    correct = np.ones(len(values), np.float32) if sizes is None else np.asarray(sizes, np.float32)
    correct[:wrong] = 0
    side = UnitValues(correct, correct, values + 1, values)
    return Kept(Units(key, "position", len(values), sizes=sizes), side, UnitValues(correct, correct, values, values))


def ranking(models, level=0.95):
    """The ranking of models with one cell each."""
    axis = Axis("model", tuple(models))
    cells = [Cell({"model": name}, name, 1, 2, {}) for name in models]
    return ranking_of([axis], axis, cells, list(models.values()), level, 5)


def alternating(n, middle, half):
    """NLLs with that mean; their differences from another such series vary."""
    return middle + half * np.where(np.arange(n) % 2 == 0, 1.0, -1.0)


def test_pairs_are_student_tests_of_paired_rows():
    # Differences of rows: 0.5 and 0.1 by turns, mean 0.3; their standard error is 0.2 / sqrt(99).
    found = ranking({"a": kept(alternating(100, 1.0, 0.0)), "b": kept(alternating(100, 1.3, 0.2))})
    (pair,) = found.pairs
    assert (pair.model, pair.other) == ("a", "b")
    assert pair.difference == pytest.approx(0.3, abs=1e-6)
    error = 0.2 / math.sqrt(99)
    assert pair.p == pytest.approx(2 * student_tail(0.3 / error, 99), rel=1e-3)
    assert (pair.high - pair.difference) / error == pytest.approx(1.984217, abs=1e-3)  # t of 99 degrees
    assert [(one.model, one.first, one.last, one.best) for one in found.models] == [
        ("a", 1, 1, True),
        ("b", 2, 2, False),
    ]


def test_what_is_hard_for_all_cancels():
    rng = np.random.default_rng(0)
    hard = rng.exponential(2.0, 200)  # errors of the means are 0.14, of the difference 0.001
    found = ranking({"a": kept(hard), "b": kept(hard + 0.05 + 0.01 * rng.normal(size=200))})
    a, b = found.models
    assert a.high > b.low
    assert (a.last, b.first) == (1, 2)


def test_ranks_stay_open_where_tests_do_not_decide():
    rng = np.random.default_rng(1)
    base = rng.exponential(1.0, 400)
    noisy = {
        name: kept(base + shift + 0.3 * rng.normal(size=400)) for name, shift in (("a", 0.0), ("b", 0.01), ("c", 1.0))
    }
    found = ranking(noisy)
    assert [(one.first, one.last) for one in found.models] == [(1, 2), (1, 2), (3, 3)]
    assert set(found.best) == {"a", "b"}
    assert all(pair.p_holm >= pair.p for pair in found.pairs)


def test_the_correction_is_holms_over_all_pairs():
    rng = np.random.default_rng(2)
    base = rng.exponential(1.0, 300)
    found = ranking({name: kept(base + 0.5 * rng.normal(size=300)) for name in "abcd"})
    assert len(found.pairs) == 6
    smallest = min(found.pairs, key=lambda pair: pair.p)
    assert smallest.p_holm == pytest.approx(min(1.0, 6 * smallest.p))


def test_the_same_model_twice_is_a_tie():
    values = np.random.default_rng(3).exponential(1.0, 50)
    found = ranking({"a": kept(values), "b": kept(values)})
    assert found.pairs[0].p == 1.0
    assert [(one.first, one.last) for one in found.models] == [(1, 2), (1, 2)]


@pytest.mark.parametrize(("wrong", "decided"), [(9, False), (10, True)])
def test_few_wrong_rows_decide_nothing(wrong, decided):
    found = ranking(
        {"a": kept(alternating(100, 1.0, 0.0), wrong=20), "b": kept(alternating(100, 2.0, 0.1), wrong=wrong)}
    )
    assert (found.pairs[0].p_holm is not None) is decided
    assert (found.models[0].last == 1) is decided


def test_models_without_the_same_rows_or_numbers_are_named():
    infinite = alternating(100, 1.0, 0.1)
    infinite[3] = np.inf
    unmapped = kept(alternating(100, 1.0, 0.1))._replace(after=None)
    models = {
        "a": kept(alternating(100, 1.0, 0.1)),
        "b": kept(alternating(100, 1.1, 0.2)),
        "other": kept(alternating(90, 1.0, 0.1), key="others"),
        "infinite": kept(infinite),
        "unmapped": unmapped,
        "failed": None,
    }
    found = ranking(models)
    assert [one.model for one in found.ranked] == ["a", "b"]
    reasons = {one.model: str(one.reason) for one in found.models if one.reason}
    assert "not those of the other models" in reasons["other"]
    assert "infinite" in reasons["infinite"]
    assert "no temperature could be fitted" in reasons["unmapped"]
    assert "no numbers" in reasons["failed"]


def test_cells_of_a_model_weigh_the_same_and_share_rows():
    axes = [Axis("model", ("a", "b")), Axis("severity", (1, 2))]
    places = [(model, severity) for model in "ab" for severity in (1, 2)]
    cells = [Cell({"model": model, "severity": severity}, "", 1, 2, {}) for model, severity in places]
    values = [alternating(60, middle, 0.1) for middle in (1.0, 3.0, 1.5, 3.5)]
    found = ranking_of(axes, axes[0], cells, [kept(one) for one in values], 0.95, None)
    assert [one.nll for one in found.models] == [pytest.approx(2.0), pytest.approx(2.5)]
    assert (found.cells, found.units, found.over) == (2, 60, ("severity",))
    cells.pop()
    lacking = ranking_of(axes, axes[0], cells, [kept(one) for one in values[:3]], 0.95, None)
    assert str(lacking.models[-1].reason) == "it has no numbers at 2"


def test_groups_are_the_units():
    # Ten rows of each of 30 groups are alike: as rows they would decide, as groups they do not.
    rng = np.random.default_rng(4)
    shift = rng.normal(0.25, 1.0, 30)
    rows = ranking({"a": kept(np.ones(300)), "b": kept(1 + np.repeat(shift, 10))})
    sizes = np.full(30, 10.0)
    groups = ranking({"a": kept(np.full(30, 10.0), sizes=sizes), "b": kept(10 + 10 * shift, sizes=sizes)})
    assert rows.pairs[0].difference == pytest.approx(groups.pairs[0].difference, abs=1e-5)
    assert groups.pairs[0].p > 5 * rows.pairs[0].p
    assert groups.units == 30


def test_the_axis_of_models_is_named_or_found():
    axes = [Axis("severity", (1, 2)), Axis("Model", ("a", "b"))]
    assert models_of(axes, None, mapped=True, level=0.95) is axes[1]
    assert models_of(axes, None, mapped=False, level=0.95) is None
    assert models_of(axes, "severity", mapped=False, level=0.95) is axes[0]
    with pytest.raises(UsageError, match='there is no axis "modle"'):
        models_of(axes, "modle", mapped=False, level=0.95)
    with pytest.raises(UsageError, match="--no-intervals"):
        models_of(axes, "Model", mapped=False, level=None)


@pytest.mark.parametrize(("n", "decided"), [(3, False), (40, True)])
def test_a_cell_of_few_rows_decides_nothing(n, decided):
    axes = [Axis("model", ("a", "b")), Axis("task", ("big", "tiny"))]
    cells = [Cell({"model": model, "task": task}, "", 1, 2, {}) for model in "ab" for task in ("big", "tiny")]
    held = [
        kept(alternating(size, middle, half), key=str(size), wrong=size // 2)
        for middle, half in ((1.0, 0.0), (2.0, 0.1))
        for size in (2000, n)
    ]
    found = ranking_of(axes, axes[0], cells, held, 0.95, None)
    assert (found.pairs[0].p is not None, found.models[0].last == 1) == (decided, decided)
    assert (found.models[0].low is not None) is decided
