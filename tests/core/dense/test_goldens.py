"""Numbers of other tools on a real segmentation: fiducio, MONAI's definitions, the LTS rule, BA-ECE."""

import os
from functools import cache
from pathlib import Path

import pytest

from calibeval import evaluate
from tests.conftest import ROOT

FOLDER = Path(os.environ.get("CALIBEVAL_REAL_DUMPS", ROOT.parent / "shared" / "data"))
FILE = FOLDER / "camvid_seg_tinyunet.npz"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the shared predictions are not here")

GOLDENS = [  # bins, number, pooled, mean over images
    (10, "ece", 0.053235, 0.087364),
    (15, "ece", 0.053751, None),
    (15, "ace", 0.063566, None),
    (50, "ece", None, 0.091367),
    (10, "boundary_ece", 0.134464, 0.160205),
    (10, "interior_ece", 0.041739, None),
    (10, "ba_ece", 0.057033, 0.099418),
    (20, "cwce", 0.023774, 0.033421),
    (20, "cwace", 0.101227, 0.134823),
    (20, "cwmce", 0.194857, 0.277833),
    (15, "nll", 0.73958, None),
    (15, "brier", 0.356076, None),
]


@cache
def block(bins):
    return evaluate(f"{FILE}#test", bins=bins).dumps[0].per_image


@pytest.mark.parametrize(("bins", "name", "pooled", "mean"), GOLDENS)
def test_numbers(bins, name, pooled, mean):
    number = block(bins).numbers[name]
    if pooled is not None:
        assert number.pooled == pytest.approx(pooled, abs=1e-6)
    if mean is not None:
        assert number.mean == pytest.approx(mean, abs=1e-6)


def test_regions():
    regions = block(10).regions
    assert (regions[0].n, regions[0].n + regions[1].n) == (31_876, 125_150)
    assert [one.n for one in regions[2:]] == [53_365, 29_558, 26_273, 15_954]
    assert [round(one.gap, 4) for one in regions[2:]] == [0.0801, 0.0135, 0.0313, -0.0206]
    assert [round(100 * one.gap, 1) for one in regions[:2]] == [12.1, 1.4]
