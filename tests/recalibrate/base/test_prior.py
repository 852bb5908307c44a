"""Priors of classes by Bayes' arithmetic, in Python, on the command line and in JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calibeval import Predictions, evaluate, fit, read, read_map
from calibeval.core.errors import InputError, UsageError
from calibeval.recalibrate.base.prior import Prior, prior_of, shares_of
from tests.cli.invoking import run


def population(n=40_000, share=0.03, seed=0):
    """Rows of a class of that share, with the true probability of it as score."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < share).astype(int)
    x = rng.normal(size=n) + 2.0 * labels
    odds = share / (1 - share) * np.exp(2.0 * x - 2.0)
    return odds / (1 + odds), labels, x


def test_bayes_by_hand():
    # Among the fitted rows 1:1, where it is used 1:9: odds of 4 become 4/9.
    mapping = fit(Predictions(logits=[[0.0, 1.0], [1.0, 0.0]] * 10, labels=[1, 0] * 9 + [0, 1]), prior=0.1)
    plain = fit(Predictions(logits=[[0.0, 1.0], [1.0, 0.0]] * 10, labels=[1, 0] * 9 + [0, 1]))
    stated = plain([[0.2, 0.8]], "probs")[0]
    odds = stated[1] / stated[0] / 9
    assert mapping([[0.2, 0.8]], "probs")[0] == pytest.approx([1 / (1 + odds), odds / (1 + odds)])
    assert mapping.prior == Prior((0.9, 0.1), (0.5, 0.5))
    assert mapping([[0.0, 1.0]])[0] - plain([[0.0, 1.0]])[0] == pytest.approx(np.log([1.8, 0.2]))


@pytest.mark.parametrize("method", ["temperature", "platt", "beta", "vector", "isotonic"])
def test_an_undersampled_class_is_calibrated_again(method):
    _, labels, x = population()
    rng = np.random.default_rng(1)
    few = (labels == 1) | (rng.random(len(labels)) < 0.03)  # as in training: about one of the others for each
    odds = np.exp(2.0 * x - 2.0)  # what is true where both classes are as frequent
    probs = odds / (1 + odds)
    balanced = Predictions(probs=probs[few], labels=labels[few])
    probs_here, labels_here, x_here = population(seed=5)
    odds_here = np.exp(2.0 * x_here - 2.0)
    deployed = Predictions(probs=odds_here / (1 + odds_here), labels=labels_here)
    wrong, right = (evaluate(fit(balanced, method, prior=p)(deployed), level=None) for p in (None, 0.03))
    assert wrong["confidence_gap"].value > 0.05 or wrong["ece_positive"].value > 0.05
    assert right["ece_positive"].value < 0.008
    assert right["nll"].value == pytest.approx(evaluate(probs=probs_here, labels=labels_here)["nll"].value, abs=0.01)


def test_weights_say_the_shares_of_the_fitted_rows():
    labels = [0, 1, 0, 1]
    assert shares_of(Predictions(probs=[0.2, 0.9, 0.4, 0.3], labels=labels, weights=[3.0, 1.0, 3.0, 1.0])) == (
        0.75,
        0.25,
    )
    with pytest.raises(InputError, match="class 2 has no row"):
        shares_of(Predictions(probs=np.full((4, 3), 1 / 3), labels=labels))


@pytest.mark.parametrize(
    ("given", "names", "used"),
    [
        ([0.2, 0.3, 0.5], None, (0.2, 0.3, 0.5)),
        ({"b": 0.5}, ("a", "b", "c"), (0.3, 0.5, 0.2)),
        ({"2": 0.1, "0": 0.2}, None, (0.2, 0.7, 0.1)),
        (np.array([0.25, 0.25, 0.5]), None, (0.25, 0.25, 0.5)),
    ],
)
def test_shares_in_every_form(given, names, used):
    assert prior_of(given, (0.6 - 0.15, 0.25, 0.3), names).used == pytest.approx(used)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (0.2, "of 3 classes shares are given by class"),
        ([0.2, 0.8], "has 2 shares, but there are 3 classes"),
        ([0.2, 0.8, 0.1], "add up to 1.1, but must add up to 1"),
        ([0.0, 0.5, 0.5], "has the share 0.0, but each must lie between 0 and 1"),
        ([True, 0.5, 0.5], "share True"),
        ({"cta": 0.5}, r'class "cta" is unknown \(did you mean "cat"\?\); there are cat, dog, fox'),
        ({"cat": 0.5, "dog": 0.5}, "leave 0 for 1 other classes"),
        ({"cat": "much"}, "share 'much'"),
        ("0.5", "must be a share, 3 shares, or shares by class"),
        ({}, "is an empty dict, but it must be a share"),
    ],
)
def test_shares_that_cannot_be(given, said):
    with pytest.raises(UsageError, match=said):
        prior_of(given, (0.5, 0.25, 0.25), ("cat", "dog", "fox"))


def test_a_map_is_saved_with_its_prior_and_takes_another_one(tmp_path):
    predictions = Predictions(logits=np.random.default_rng(0).normal(size=(60, 3)), labels=[0, 1, 2] * 20)
    mapping = fit(predictions, prior=[0.5, 0.3, 0.2])
    mapping.save(tmp_path / "map.json")
    again = read_map(tmp_path / "map.json")
    assert again == mapping
    other = again.with_prior({"2": 0.6})
    assert other.prior.used == pytest.approx((0.2, 0.2, 0.6))
    assert np.allclose(other([[1.0, 2.0, 3.0]]) - mapping([[1.0, 2.0, 3.0]]), np.log([0.2 / 0.5, 0.2 / 0.3, 0.6 / 0.2]))
    with pytest.raises(UsageError, match="fit it with a prior"):
        fit(predictions).with_prior([0.5, 0.3, 0.2])
    document = json.loads(mapping.to_json())
    document["parameters"]["prior"]["used"] = [0.5, 0.5, 0.5]
    (tmp_path / "map.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="used must be 3 shares above 0 with the sum 1"):
        read_map(tmp_path / "map.json")


def test_the_commands(tmp_path, capsys):
    probs, labels, _ = population(2000, 0.3)
    np.savez(tmp_path / "dump.npz", probs=probs, labels=labels)
    dump, saved, out = (str(tmp_path / name) for name in ("dump.npz", "map.json", "out.npz"))
    told = run(capsys, "fit", dump, "-o", saved, "--prior", "0.1")
    assert told.code == 0
    assert "prior of use (of the fitted rows): 0 90 % (" in told.out
    assert "the numbers above are for the fitted rows and their shares, without the prior of use" in told.out
    assert run(capsys, "apply", saved, dump, "-o", out, "--prior", "1=0.2", "-q").code == 0
    expected = read_map(saved).with_prior(0.2)(read(dump)).scores[0:2000]
    assert np.allclose(read(out).scores[0:2000], expected)
    for words in (["--prior", "0.1", "--prior", "0.2"], ["--prior", "x"], ["--prior", "=0.1"]):
        wrong = run(capsys, "fit", dump, *words)
        assert (wrong.code, "must be the share of class 1" in wrong.err) == (2, True)
    plain = run(capsys, "fit", dump, "-o", saved)
    assert plain.code == 0
    assert told.out.startswith(plain.out)  # NLL and accuracy, too, are those without the prior
    assert run(capsys, "apply", saved, dump, "-o", out, "--prior", "0.1").code == 2
