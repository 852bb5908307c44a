"""The means that papers print of corrupted images, against numpy on the arrays themselves."""

import itertools

import numpy as np
import pytest

import calibeval

TYPES, SEVERITIES = ("gaussian_noise", "fog", "jpeg"), (1, 2, 3, 4, 5)


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def by_numpy(logits, labels):
    """Error, NLL, ECE of 15 bins (lower, upper], and Minderer's of 100 bins of equal mass, of distinct confidences."""
    probs = softmax(logits)
    confidence, right = probs.max(axis=1), probs.argmax(axis=1) == labels
    n = len(labels)
    place = np.ceil(confidence * 15)
    ece = sum(abs((right - confidence)[place == i].sum()) for i in range(16)) / n
    gap = (right - confidence)[np.argsort(confidence)]
    ranks = np.append(np.round(np.linspace(0, n, 100, endpoint=False)).astype(int), n)
    mass = sum(abs(gap[start:end].sum()) for start, end in itertools.pairwise(ranks)) / n
    return 1 - right.mean(), -np.log(probs[np.arange(n), labels]).mean(), ece, mass


@pytest.fixture(scope="module")
def shift(tmp_path_factory):
    """Two models in files of the shape of a shift file, and what numpy finds of each array."""
    folder = tmp_path_factory.mktemp("shift")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 230)
    found = {}
    for model, sharp in (("old", 0.6), ("new", 0.9)):
        clean = 2.0 * np.eye(4)[labels] + rng.normal(size=(230, 4))
        arrays = {
            f"{kind}_{severity}": sharp * (clean + 0.3 * (1 + i) * severity * rng.normal(size=clean.shape))
            for i, kind in enumerate(TYPES)
            for severity in SEVERITIES
        }
        np.savez(folder / f"{model}.npz", clean=clean, labels=labels, **arrays)
        numbers = [[by_numpy(arrays[f"{kind}_{severity}"], labels) for severity in SEVERITIES] for kind in TYPES]
        found[model] = np.array(numbers)  # (types, severities, numbers)
    return folder, found


def test_means_of_uncertainty_baselines(shift):
    folder, found = shift
    survey = calibeval.survey(f"{folder}/new.npz#{{corruption}}_{{severity}}", kind="logits")
    per_severity = found["new"].mean(axis=0)
    for severity, (error, nll, ece, _) in zip(SEVERITIES, per_severity, strict=True):
        mean = survey.mean("corruption", severity=severity)  # {nll,accuracy,ece}_mean_{severity}
        assert mean["accuracy"].value == pytest.approx(1 - error, abs=1e-12)
        assert mean["nll"].value == pytest.approx(nll, abs=1e-12)
        assert mean["ece"].value == pytest.approx(ece, abs=1e-9)
    whole = survey.mean()  # {nll,accuracy,ece}_mean_corrupted: the mean of the means per severity
    for name, value in zip(("nll", "ece"), per_severity.mean(axis=0)[1:3], strict=True):
        assert whole[name].value == pytest.approx(value, abs=1e-9)


def test_mce_of_imagenet_c(shift):
    folder, found = shift
    survey = calibeval.survey(f"{folder}/{{model}}.npz#{{corruption}}_{{severity}}", kind="logits", metrics="accuracy")
    error = 1 - survey.table().pivot_table(index="corruption", columns="model", values="accuracy")
    sums = {model: numbers[:, :, 0].sum(axis=1) for model, numbers in found.items()}  # over severities
    assert (error["new"] / error["old"]).mean() == pytest.approx((sums["new"] / sums["old"]).mean(), abs=1e-12)
    assert 1 - survey.mean(model="new")["accuracy"].value == pytest.approx(found["new"][:, :, 0].mean(), abs=1e-12)


def test_calibration_errors_of_minderer(shift):
    folder, found = shift
    survey = calibeval.survey(
        f"{folder}/new.npz#{{corruption}}_{{severity}}", kind="logits", metrics="ece", convention="minderer", level=None
    )
    for cell in survey.cells:
        place = TYPES.index(cell.axes["corruption"]), cell.axes["severity"] - 1
        assert cell["ece"].value == pytest.approx(found["new"][place][3], abs=1e-12)
    means = [survey.mean("corruption", severity=severity)["ece"].value for severity in SEVERITIES]
    assert means == pytest.approx(found["new"][:, :, 3].mean(axis=0), abs=1e-12)
