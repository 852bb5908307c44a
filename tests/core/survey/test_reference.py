"""Which cell each cell is compared with, and Holm's correction over cells."""

import pytest

from calibeval import UsageError
from calibeval.core.comparison.difference import Difference
from calibeval.core.survey.axes import Axis
from calibeval.core.survey.changes import over_cells
from calibeval.core.survey.reference import AtValue, OfDump, indices_of, reference_named
from calibeval.core.survey.survey import Change

AXES = (Axis("model", ("a", "b")), Axis("severity", (0, 1, 2)))


def points(*texts):
    return [dict(zip(("model", "corruption", "severity"), text.split(), strict=True)) for text in texts]


def test_a_value_of_an_axis_or_a_dump():
    assert reference_named(AXES, "severity=0") == AtValue("severity", 0)
    assert reference_named(AXES, "runs/lr=3/clean.npz") == OfDump("runs/lr=3/clean.npz", ())
    assert reference_named(AXES, "clean/{model}.npz") == OfDump("clean/{model}.npz", ("model",))
    with pytest.raises(UsageError, match='axis severity has no value "7"; it has 0, 1, 2'):
        reference_named(AXES, "severity=7")
    with pytest.raises(UsageError, match='there is no axis "modle"'):
        reference_named(AXES, "{modle}.npz")


ZERO = AtValue("severity", "0")


def test_the_match_on_the_other_axes_or_the_only_one():
    assert indices_of(points("a fog 1", "a fog 0", "b fog 1", "b fog 0"), ZERO) == [1, 1, 3, 3]
    assert indices_of(points("a fog 1", "a clean 0", "b snow 1", "b clean 0"), ZERO) == [1, 1, 3, 3]
    assert indices_of(points("a fog 1", "a snow 2", "x clean 0"), ZERO) == [2, 2, 2]


def test_no_other_model_stands_for_a_missing_reference():
    # model and corruption are axes that cells share with references, so both must be the same.
    assert indices_of(points("a fog 1", "b fog 1", "b fog 0", "b snow 1"), ZERO) == [None, 2, 2, None]
    every = [{"model": model, "seed": seed} for model, seed in zip("aaabb", (0, 1, 2, 0, 1), strict=True)]
    assert indices_of(every, AtValue("model", "b")) == [3, 4, None, 3, 4]


def test_two_that_are_equally_near_are_refused():
    with pytest.raises(UsageError, match="model=a, corruption=fog, severity=1 has no cell of its own there, and"):
        indices_of(points("a fog 1", "a clean 0", "a raw 0"), ZERO)


def test_holm_counts_the_cells_that_were_tested():
    def change(p):
        return Change({"s": 1}, "x", {"nll": Difference("nll", 1.0, 1.1, 0.1, 0.0, 0.2, p, 0.1, p_holm=1.0)})

    missing = Change({"s": 2}, "x", {})
    found = over_cells([change(0.01), change(0.04), missing, change(0.03), change(None)])
    told = [one.differences["nll"].p_holm if one.differences else None for one in found]
    assert told == [pytest.approx(0.03), pytest.approx(0.06), None, pytest.approx(0.06), None]
