"""Real predictions of published models, which are not ours to distribute: tested where they lie beside the checkout.

CALIBEVAL_REAL_DUMPS names another folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from calibeval import evaluate, read
from calibeval.core.sums.ranking import Ranking
from calibeval.core.uncertainty.certified import certified
from tests.conftest import ROOT

FOLDER = Path(os.environ.get("CALIBEVAL_REAL_DUMPS", ROOT.parent / "shared" / "data"))
# File and split, options, rows, classes, accuracy, ECE with 15 bins: four decimals each, over val and test together.
TABLE = [
    ("camvid_seg_tinyunet.npz#val+test", {}, 242_120, 11, 0.7784, 0.0286),
    ("cifar100_wrn16-4_netcal.npz", {}, 10_000, 100, 0.7543, 0.0581),
    ("cifar10_vgg16_kumar.npz", {}, 10_000, 10, 0.9359, 0.0398),
    ("cifar10_wrn16-4_netcal.npz", {}, 10_000, 10, 0.9109, 0.0537),
    ("cifar10jpeg_resnet20_akamaster.npz", {}, 10_000, 10, 0.8103, 0.1245),
    ("cifar10jpeg_resnet20_features.npz#val+test", {}, 6_000, 10, 0.8113, 0.1233),
    ("cifar10jpeg_resnet20_shift.npz#clean", {"kind": "logits"}, 2_000, 10, 0.8145, 0.1221),
    ("imagenet_sample1000_efflite0.npz", {}, 1_000, 1_000, 0.8780, 0.1411),
    ("imdb_binary_cleanlab.npz", {}, 25_000, 2, 0.8958, 0.0404),
    ("text_agnews.npz#val+test", {}, 4_000, 4, 0.8618, 0.1005),
    ("text_banking77.npz#val+test", {}, 5_083, 77, 0.9160, 0.0305),
]

LIMITS = (0.01, 0.02, 0.05, 0.1)

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the real dumps are not there: {FOLDER}")


@pytest.mark.parametrize(("name", "options", "n", "k", "accuracy", "ece"), TABLE)
def test_accuracy_and_ece(name, options, n, k, accuracy, ece):
    report = evaluate(read(f"{FOLDER}/{name}", **options), level=None)
    assert (report.dumps[0].n, report.dumps[0].k) == (n, k)
    assert report["accuracy"].value == pytest.approx(accuracy, abs=5.1e-5)
    assert report["ece"].value == pytest.approx(ece, abs=5.1e-5)


def test_every_file_is_in_the_table():
    images = {"cifar10_jpeg.npz"}  # to train on, and no predictions
    assert {path.name for path in FOLDER.glob("*.npz")} - images == {row[0].partition("#")[0] for row in TABLE}


@pytest.mark.parametrize("name", ["cifar10_vgg16_kumar.npz", "imagenet_sample1000_efflite0.npz"])
def test_index_splits_are_disjoint_halves(name):
    parts = [read(f"{FOLDER}/{name}#{split}") for split in ("val", "test")]
    whole = read(f"{FOLDER}/{name}")
    assert sum(part.n for part in parts) == whole.n
    assert sorted(np.concatenate([part.labels for part in parts])) == sorted(whole.labels)


def test_certified_thresholds_of_a_published_model():
    predictions = read(f"{FOLDER}/cifar10_vgg16_kumar.npz#test")
    probs, labels = np.asarray(predictions.scores), np.asarray(predictions.labels)
    confidence, correct = probs.max(axis=1).astype(np.float64), probs.argmax(axis=1) == labels
    ranking = Ranking.of(confidence, correct)
    found = [ranking.auroc(), ranking.aurc(), ranking.eaurc(), ranking.augrc()]
    assert found == pytest.approx([0.937008, 0.005593, 0.003896, 0.005084], abs=1e-6)
    table = [(one.threshold, one.rows, one.errors) for one in (certified(confidence, correct, a) for a in LIMITS)]
    assert [row[1:] for row in table] == [(4073, 30), (4386, 72), (4851, 217), (5000, 288)]
    assert [row[0] for row in table] == pytest.approx([0.996639, 0.984333, 0.704605, 0.276866], abs=1e-6)
    assert certified(confidence, correct, 0.1).bound == pytest.approx(0.063314, abs=1e-6)
