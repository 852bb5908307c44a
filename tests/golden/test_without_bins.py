"""Metrics without bins: numbers of independent computations on a small formula, and on a published model's dump."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import evaluate
from tests.test_real_dumps import FOLDER

# 430 rows by a formula: distinct confidences k/431, right about .7 times as often as stated.
I = np.arange(430)  # noqa: E741 - the index of the formula
CONFIDENCE = ((37 * I % 430) + 1) / 431
CORRECT = (91 * I % 430) < 0.7 * 430 * CONFIDENCE
# Names, values and, where there is a test, its statistic and p: of the formula, and of VGG-16 on CIFAR-10, top label.
FORMULA = {
    "ecce": (0.149285, 7.573959, 1.448073e-13),
    "ks": (0.146528, None, None),
    "spiegelhalter": (5.714324, 5.714324, 1.101407e-8),
    "mcb": (0.032605, None, None),
    "dsc": (0.043717, None, None),
    "unc": (0.228534, None, None),
    "ici": (0.148056, None, None),
    "e50": (0.140238, None, None),
    "e90": (0.252303, None, None),
    "emax": (0.311221, None, None),
    "smece": (0.146512, None, None),
    "cox_slope": (0.577155, None, None),
    "cox_intercept": (-0.726965, None, None),
    "citl": (-0.900706, None, None),
    "rmsce_debiased": (0.150876, None, None),
}
VGG = {
    "ecce": (0.036128, 20.439230, 2.996482e-92),
    "ks": (0.034952, None, None),
    "spiegelhalter": (29.606874, 29.606874, 1.218863e-192),
    "mcb": (0.006296, None, None),
    "dsc": (0.015569, None, None),
    "unc": (0.054282, None, None),
    "ici": (0.035571, None, None),
    "e50": (0.000172, None, None),
    "e90": (0.141418, None, None),
    "emax": (0.276866, None, None),
    "smece": (0.036365, None, None),
    "cox_slope": (0.621532, None, None),
    "cox_intercept": (-0.593727, None, None),
    "citl": (-1.664149, None, None),
    "rmsce_debiased": (0.058655, None, None),
    "ece_top2": (0.014815, None, None),
    "ece_rank2": (0.024495, None, None),
    "tace": (0.007502, None, None),
    "tace_kept": (0.051573, None, None),
    "cwce_adaptive": (0.003758, None, None),
    "ece_top3": (0.005921, None, None),
    "ece_top5": (0.000916, None, None),
    "ece_rank3": (0.008376, None, None),
}
REAL = pytest.param(
    FOLDER / "cifar10_vgg16_kumar.npz",
    VGG,
    marks=pytest.mark.skipif(not FOLDER.is_dir(), reason="the dump is not here"),
)


def _agrees(report, expected):
    for name, (value, z, p) in expected.items():
        found = report[name]
        assert found.value == pytest.approx(value, abs=1e-6), name
        if z is not None:
            assert found.z == pytest.approx(z, abs=1e-5), name
        if p is not None:
            assert found.p == pytest.approx(p, rel=1e-3), name


def test_likelihood_ratios_of_cox():
    found = evaluate(confidence=CONFIDENCE, correct=CORRECT, metrics="cox_slope")["cox_slope"]
    assert found.lr == pytest.approx(80.6302, abs=1e-4)
    if FOLDER.is_dir():
        found = evaluate(f"{FOLDER / 'cifar10_vgg16_kumar.npz'}#test", metrics="cox_slope")["cox_slope"]
        assert found.lr == pytest.approx(455.698, abs=1e-3)


def test_of_a_formula():
    _agrees(evaluate(confidence=CONFIDENCE, correct=CORRECT, metrics=[*FORMULA]), FORMULA)


@pytest.mark.parametrize(("path", "expected"), [REAL])
def test_of_a_published_model(path, expected):
    _agrees(evaluate(f"{path}#test", metrics=[*expected]), expected)
