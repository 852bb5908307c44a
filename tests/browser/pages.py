"""Pages of every kind as files, made as users make them: by saving what the functions of the package return."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import calibeval
from tests.conftest import ROOT
from tests.data import logits_and_labels

SAMPLES = ROOT / "sample_data"
FOLDER = TemporaryDirectory(prefix="calibeval-pages-")
COLOURS = ["red", "green", "blue"]


def predictions(n, k, *, seed=0, sharper=1.0, names=None):
    logits, labels = logits_and_labels(n, k, seed=seed)
    colour = np.array(COLOURS)[np.arange(n) % 3]
    return calibeval.Predictions(
        logits=sharper * logits, labels=labels, class_names=names, columns={"colour": colour, "row": np.arange(n) % 7}
    )


def one():
    return calibeval.evaluate(SAMPLES / "diamonds.npz#test", slices=["color"])


def mapped():
    return calibeval.evaluate(SAMPLES / "digits_test.npz", fit_on=SAMPLES / "digits_val.npz")


def several():
    dumps = {f"run-{i}/epoch-{i}.npz#test": predictions(400 + 900 * i, 4, seed=i) for i in range(5)}
    return calibeval.evaluate(dumps, slices=["colour"], fit_on=predictions(900, 4, seed=9))


def two_classes():
    return calibeval.evaluate(predictions(3000, 2, names=["fine", "default"]), slices=["colour", "row"])


def many_classes():
    return calibeval.evaluate(predictions(3000, 120, names=[f"class number {i}" for i in range(120)]))


def top_label():
    confidence = np.linspace(0.35, 1, 900)
    correct = np.random.default_rng(0).random(900) < confidence
    return calibeval.evaluate(confidence=confidence, correct=correct.astype(int))


def selective():
    limits = [f"coverage@error={limit}" for limit in (0.001, 0.02, 0.05, 0.3)]
    return calibeval.evaluate(SAMPLES / "digits_test.npz", metrics=["ece", "aurc", *limits], cross_fit=5)


def one_row():
    return calibeval.evaluate(probs=[[0.9, 0.1]], labels=[0])


def compared():
    base, sharp, blunt = (predictions(3000, 4, sharper=s) for s in (1.0, 1.2, 0.6))
    return calibeval.compare(base, sharp, blunt, slices=["colour"])


def failed():
    rules = [
        {"metric": "accuracy", "min": 0.5},
        {"metric": "ece", "max": 0.01},
        {"metric": "nll", "max_increase": 0.01},
        {"metric": "ece", "max": 0.16, "slice": "worst:colour"},
    ]
    return calibeval.gate(predictions(3000, 4), rules, baseline=predictions(3000, 4, sharper=0.6), why=True)


def undecided():
    rules = [
        {"metric": "ece", "max": 0.05},
        {"metric": "mce", "max": 0.2},
        {"metric": "mce_all_bins", "max": 0.9, "severity": "warn"},
        {"metric": "nll", "max": 0.1, "severity": "warn"},
        {"metric": "brier", "max": 0.1, "severity": "off"},
        {"metric": "accuracy", "max_drop": 0.02},
    ]
    return calibeval.gate(predictions(60, 3), rules, baseline=predictions(60, 3, sharper=0.6), why=True)


def passed():
    return calibeval.gate(predictions(3000, 4), {"metric": "accuracy", "min": 0.1})


def trained():
    features = SAMPLES / "diamonds_features.npz"
    out = Path(FOLDER.name) / "run"
    parts = {part: f"{features}#{part}" for part in ("val", "test")}
    return calibeval.finetune(f"{features}#train", **parts, losses="ce,mbls(margin=6)", epochs=3, out=out)


def segmented():
    rng = np.random.default_rng(4)
    labels = np.kron(rng.integers(0, 4, (14, 4, 5)), np.ones((12, 12), int))
    scores = 2.0 * np.eye(4)[labels].transpose(0, 3, 1, 2) + rng.normal(0, 1.2, (14, 4, 48, 60))
    labels[:, :5] = 255
    names = [f"Hospital-{i:02d}_a-long-name-of-a-case_{i:04d}.nii.gz" for i in range(14)]
    return calibeval.Predictions(logits=scores, labels=labels, ids=names, ignore_index=255)


SAVED = {
    "one": one,
    "mapped": mapped,
    "several": several,
    "two classes": two_classes,
    "many classes": many_classes,
    "top label": top_label,
    "selective": selective,
    "one row": one_row,
    "compared": compared,
    "failed": failed,
    "undecided": undecided,
    "passed": passed,
    "trained": trained,
    "segmented": lambda: calibeval.evaluate(segmented(), show=0),
}


@cache
def record(name):
    """What a function of the package returned."""
    return SAVED[name]()


@cache
def page(name):
    """The file of that page."""
    if name == "trained":
        record(name)
        return next((Path(FOLDER.name) / "run").glob("*.html"))
    folder = Path(FOLDER.name) / name.replace(" ", "-")
    record(name).save(folder)
    return next(folder.glob("*.html"))


def written(text, name="other.html"):
    """The file of a page of one's own."""
    path = Path(FOLDER.name) / name
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return path
