"""Means over images of which some have a value of one model alone, or an infinite one: report, compare and gate."""

import numpy as np
import pytest

from calibeval import Predictions, compare, evaluate, gate
from calibeval.render.tables.cases_csv import render

N = 12


def dump(predicted, labels, p=0.8):
    """Images of four pixels in three classes, each of its predicted class with probability p."""
    hot = np.moveaxis(np.eye(3)[predicted], -1, 1)
    return Predictions(probs=hot * p + (1 - hot) * (1 - p) / 2, labels=labels)


def images(hallucinated):
    """Class 2 is in the labels of the even images; a model may also see it in the first odd ones, wrongly."""
    labels = np.zeros((N, 2, 2), int)
    labels[:, 0] = 1
    labels[::2, 1, 1] = 2
    predicted = labels.copy()
    odd = np.arange(1, N, 2)[:hallucinated]
    predicted[odd, 1, 1] = 2
    return dump(predicted, labels)


@pytest.mark.parametrize(("base", "candidate"), [(0, 6), (6, 0), (0, 3)])
def test_a_structure_that_only_one_model_sees_counts_as_in_the_report(base, candidate):
    # Dice of class 2: 1 in the six images that have it; 0 where it is only predicted; else undefined
    models = [images(one) for one in (base, candidate)]
    reported = [evaluate(one).dumps[0].per_image.structures[2].numbers["dice"].mean for one in models]
    assert reported == [pytest.approx(6 / (6 + one)) for one in (base, candidate)]
    found = compare(*models, metrics=["per_image.2.dice"]).candidates[0].differences["per_image.2.dice"]
    assert [found.base, found.candidate] == reported
    assert found.difference == pytest.approx(reported[1] - reported[0])
    assert not found.same


def test_the_reason_counts_the_images_of_one_model():
    # 24 images, so that 12 have a value of the base: an interval needs ten
    def doubled(hallucinated):
        one = images(hallucinated)
        scores = np.asarray(one.scores[:]).reshape(N, 2, 2, 3)
        labels = np.asarray(one.labels).reshape(N, 2, 2)
        return Predictions(probs=np.moveaxis(np.concatenate([scores] * 2), -1, 1), labels=np.concatenate([labels] * 2))

    found = compare(doubled(0), doubled(6), metrics=["per_image.2.dice"]).candidates[0].differences["per_image.2.dice"]
    assert found.reason.code == "other_images"
    assert found.reason == "12 of 24 images have a value only in the candidate; each mean is over its own images"
    # the base is 1 everywhere; the candidate 1 in 12 and 0 in 12: the jackknife of its mean is s / sqrt(24)
    deviation = np.array([1.0, 0.0] * 12).std(ddof=1) / np.sqrt(24)
    assert found.difference == pytest.approx(-0.5)
    assert (found.high - found.low) / 2 == pytest.approx(2.2009851600829 * deviation)  # Student's t of the 12 images
    verdict = gate(doubled(6), [{"metric": "per_image.2.dice", "max_drop": 0.05}], baseline=doubled(0))
    assert verdict.verdict == "fail"
    assert "12 of 24 images have a value only in the candidate" in verdict.rules[0].reason


def test_a_gate_never_passes_where_the_base_has_no_value():
    labels = np.zeros((N, 2, 2), int)
    labels[:, 0] = 1
    seen = labels.copy()
    seen[:, 1, 1] = 2
    base, candidate = dump(labels, labels), dump(seen, labels)
    found = compare(base, candidate, metrics=["per_image.2.dice"]).candidates[0].differences["per_image.2.dice"]
    assert (found.base, found.candidate, found.difference) == (None, 0.0, None)
    assert found.reason == "base: no image has a value"
    verdict = gate(candidate, [{"metric": "per_image.2.dice", "max_drop": 0.05}], baseline=base)
    assert verdict.verdict != "pass"


def impossible(count):
    """Images in the first of which a label has probability 0."""
    labels = np.zeros((N, 2, 2), int)
    labels[:, 0] = 1
    predicted = labels.copy()
    predicted[:, 1, 1] = 1
    p = np.full((N, 1, 1, 1), 0.8)
    p[:count] = 1.0
    return dump(predicted, labels, p)


def test_one_infinite_image_makes_the_mean_infinite():
    dumped = impossible(2)
    report = evaluate(dumped)
    number = report.dumps[0].per_image.numbers["nll"]
    assert (number.pooled, number.mean, number.undefined) == (None, None, 0)
    assert number.reason.code == "infinite"
    assert number.reason == "infinite: in 2 of 12 images, a label has probability 0"
    one = -(3 * np.log(0.8) + np.log(0.1)) / 4
    assert (number.lower_quartile, number.median) == (pytest.approx(one), pytest.approx(one))
    assert [(worst.image, worst.value) for worst in number.worst[:2]] == [("image 0", None), ("image 1", None)]
    assert number.worst[2].value == pytest.approx(one)
    assert type(report).from_json(report.to_json()) == report
    header, first, *_ = render(report).splitlines()
    assert dict(zip(header.split(","), first.split(","), strict=True))["nll"] == "inf"


def test_an_infinite_mean_passes_no_gate():
    rules = [{"metric": "per_image.nll", "max": 0.9}]
    verdict = gate(impossible(2), rules)
    assert verdict.rules[0].verdict == "error"
    assert "in 2 of 12 images, a label has probability 0" in verdict.rules[0].reason
    assert gate(impossible(0), rules).verdict == "pass"
    found = compare(impossible(0), impossible(2), metrics=["per_image.nll"]).candidates[0].differences["per_image.nll"]
    assert found.base is not None
    assert (found.candidate, found.difference) == (None, None)
    assert found.reason == "candidate: infinite: in 2 of 12 images, a label has probability 0"
    verdict = gate(impossible(2), [{"metric": "per_image.nll", "max_increase": 0.9}], baseline=impossible(0))
    assert verdict.verdict != "pass"
