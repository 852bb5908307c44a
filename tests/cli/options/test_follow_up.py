"""The commands that keep a map: fitted to a file, or applied from one."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import InputError, Predictions, evaluate, fit
from calibeval.cli.options.follow_up import Applied, measured_as, ways
from calibeval.cli.options.reading import ReadingFlags

FLAGS = ReadingFlags(kind="probs")


def keep(applied, *dumps):
    return ways(dumps or ["a.npz#test"], FLAGS, applied=applied).keep


def test_a_map_is_fitted_where_it_was_fitted():
    assert keep(Applied("platt", "a.npz#test")) == "calibeval fit a.npz#test --kind probs --method platt -o map.json"
    assert keep(Applied("temperature", "a.npz#test", "val.npz")) == "calibeval fit val.npz --kind probs -o map.json"
    assert (
        keep(Applied("platt", "a.npz#test", None, "m.json"))
        == "calibeval apply m.json a.npz#test --kind probs -o repaired.npz"
    )


def test_no_map_is_kept_of_none_of_standard_input_and_of_several_dumps():
    assert keep(None) is None
    assert keep(Applied("platt", "a.npz#test", "-")) is None
    assert keep(Applied("platt", "a.npz#test"), "a.npz", "b.npz") is None


def test_the_next_report_measures_alike_and_clips_what_no_map_could_be_fitted_to():
    hard = Predictions(probs=np.eye(2)[[0, 1, 0, 1] * 10], labels=[0, 1, 1, 0] * 10)
    measured = measured_as(evaluate(hard, bins=7), 7)
    assert measured == ["--bins", "7", "--clip", "1e-12"]
    found = ways(["a.npz"], FLAGS, measured=measured, applied=Applied("platt", "a.npz"))
    assert found.platt == "calibeval report a.npz --kind probs --cross-fit 5 --bins 7 --clip 1e-12 --method platt"
    assert found.keep == "calibeval fit a.npz --kind probs --clip 1e-12 --method platt -o map.json"
    assert found.look == "calibeval inspect a.npz --kind probs"
    with pytest.raises(InputError, match="probability 0"):
        fit(hard, method="platt")
    assert fit(hard, method="platt", clip=1e-12)(hard).n == 40


def test_a_usual_report_needs_no_options():
    soft = Predictions(probs=np.tile([0.3, 0.7], (40, 1)), labels=[0, 1] * 20)
    assert measured_as(evaluate(soft), None) == []
    assert measured_as(evaluate(soft, convention="guo"), None) == ["--convention", "guo"]
