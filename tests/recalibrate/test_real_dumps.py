"""Temperatures of real dumps, and their test ECE before and after; see tests/test_real_dumps.py."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from calibeval import evaluate, read
from calibeval.recalibrate.base.scores import row_nll
from calibeval.recalibrate.fitting.fit import fit
from tests.conftest import ROOT
from tests.recalibrate.scalar import best_temperature

FOLDER = Path(os.environ.get("CALIBEVAL_REAL_DUMPS", ROOT.parent / "shared" / "data"))
# Dump, temperature of val (three decimals), ECE of test before and after (four decimals).
TABLE = [
    ("camvid_seg_tinyunet.npz", 0.957, 0.0538, 0.0615),
    ("cifar100_wrn16-4_netcal.npz", 1.123, 0.0565, 0.0425),
    ("cifar10_vgg16_kumar.npz", 1.723, 0.0368, 0.0153),
    ("cifar10_wrn16-4_netcal.npz", 2.066, 0.0512, 0.0094),
    ("cifar10jpeg_resnet20_akamaster.npz", 2.576, 0.1262, 0.0148),
    ("cifar10jpeg_resnet20_features.npz", 2.636, 0.1214, 0.0143),
    ("imagenet_sample1000_efflite0.npz", 0.645, 0.1351, 0.0315),
    ("imdb_binary_cleanlab.npz", 1.741, 0.0391, 0.0153),
    ("text_agnews.npz", 3.304, 0.0981, 0.0167),
    ("text_banking77.npz", 1.460, 0.0281, 0.0143),
]
# The table's own fit raised tiny probabilities before taking the logarithm.
CLIPS = {"cifar10_wrn16-4_netcal.npz": 1e-12}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the real dumps are not there: {FOLDER}")


@pytest.mark.parametrize(("name", "temperature", "before", "after"), TABLE)
def test_table(name, temperature, before, after):
    val, test = (read(f"{FOLDER}/{name}#{split}") for split in ("val", "test"))
    found = fit(val, clip=CLIPS.get(name))
    assert found.temperature == pytest.approx(temperature, abs=5.1e-4)
    assert evaluate(test, level=None)["ece"].value == pytest.approx(before, abs=5.1e-5)
    assert evaluate(found(test), level=None)["ece"].value == pytest.approx(after, abs=5.1e-5)
    assert evaluate(fit(val)(test), level=None)["ece"].value == pytest.approx(after, abs=1.1e-4)
    assert found.fitted.bound is None


@pytest.mark.parametrize("name", [row[0] for row in TABLE])
def test_optimum(name):
    val = read(f"{FOLDER}/{name}#val")
    blocks = list(val.blocks(10_000))
    z = np.concatenate([block.scores for block in blocks]).astype(np.float64)
    labels = np.concatenate([block.labels for block in blocks])
    if val.kind == "probs":
        with np.errstate(divide="ignore"):
            z = np.log(z)
    temperature, nll = best_temperature(z, labels)
    found = fit(val)
    assert found.temperature == pytest.approx(temperature, rel=1e-8)
    assert found.fitted.nll_after == pytest.approx(nll, abs=1e-11)


# Test NLL of svs and sms, by probmetrics 1.3.0, which searches with L-BFGS in single precision; and of vector, by
# calibeval 0.1.0, which searched with L-BFGS.
STRUCTURED = [
    ("text_agnews.npz", 0.38270, 0.38004, 0.38168),
    ("cifar10_wrn16-4_netcal.npz", 0.23061, 0.22721, 0.22981),
    ("cifar10_vgg16_kumar.npz", 0.17956, 0.17889, 0.17999),
    ("cifar10jpeg_resnet20_akamaster.npz", 0.49753, 0.48826, 0.49411),
    ("cifar10jpeg_resnet20_features.npz", 0.49001, 0.47917, 0.48584),
    ("text_banking77.npz", 0.30114, 0.29942, 0.29743),
    ("cifar100_wrn16-4_netcal.npz", 0.94523, 0.93975, 0.94073),
]


@pytest.mark.parametrize(("name", "svs", "sms", "vector"), STRUCTURED)
def test_maps_of_all_classes(name, svs, sms, vector):
    val, test = (read(f"{FOLDER}/{name}#{split}") for split in ("val", "test"))
    for method, nll in (("svs", svs), ("sms", sms), ("vector", vector)):
        found = fit(val, method)
        assert found.fitted.search.converged
        assert row_nll(found(test)).mean() == pytest.approx(nll, abs=1e-4)
