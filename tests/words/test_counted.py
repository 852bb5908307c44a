"""What is judged and proposed does not hang on which metrics were chosen."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.words.counted import all_alike, counted, with_counted
from calibeval.words.next_step import IN_PYTHON, next_step
from calibeval.words.overview import verdict
from calibeval.words.report import headline, repair


def over_confident(n=3000, k=4, metrics=None, sharper=2.0):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n, k)) * 2.0
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (rng.random((n, 1)) > np.cumsum(probs, axis=1)).sum(1).clip(0, k - 1)
    return evaluate(logits=logits * sharper, labels=labels, metrics=metrics)


def all_right(metrics=None, **more):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(300, 4))
    logits[:, 0] += 2.0
    return evaluate(logits=logits, labels=logits.argmax(1), metrics=metrics, **more)


def test_counts_are_those_of_the_metrics():
    dump = over_confident().dumps[0]
    found = counted(dump)
    assert found == pytest.approx((dump.metrics["accuracy"].value, dump.metrics["confidence_gap"].value), abs=1e-12)
    few = over_confident(metrics="ece").dumps[0]
    assert set(with_counted(few).metrics) == {"accuracy", "confidence_gap", "ece"}
    assert with_counted(dump).metrics == dump.metrics


@pytest.mark.parametrize("metrics", ["coverage@5%", "ece", "ecce,auroc", "nll", None])
def test_the_next_step_and_the_verdict_are_the_same_whichever_metrics_were_chosen(metrics):
    report = over_confident(metrics=metrics)
    found = next_step(report, IN_PYTHON)
    assert found is not None
    assert found.command == IN_PYTHON.repair
    assert verdict(report.dumps[0]) == "over-confident, certain"


@pytest.mark.parametrize("metrics", ["phi_nll", "phi_nll,phi_brier,ece", "all", "coverage@5%,phi_brier"])
@pytest.mark.parametrize("shape", ["temperature", "top-isotonic", "isotonic"])
def test_the_next_step_names_the_map_of_the_gain(metrics, shape):
    if shape == "temperature":
        report = over_confident(metrics=metrics)
    elif shape == "isotonic":
        report = over_confident(k=2, metrics=metrics)
    else:  # confidences that a power does not repair: below .8 right half of the time, else always
        rng = np.random.default_rng(0)
        stated = rng.uniform(0.6, 0.999, 4000)
        report = evaluate(
            probs=np.c_[stated, *[(1 - stated) / 3] * 3],
            labels=np.where(rng.random(4000) < np.where(stated < 0.8, 0.5, 1.0), 0, 1),
            metrics=metrics,
        )
    one = next(m for name, m in report.dumps[0].metrics.items() if name.startswith("phi_"))
    assert one.map == shape
    found = next_step(report, IN_PYTHON)
    ways = {"temperature": "repair", "top-isotonic": "top_isotonic", "isotonic": "isotonic"}
    assert found is not None
    assert found.command == getattr(IN_PYTHON, ways[shape])
    assert "would gain" in found.sentence


def test_without_a_gain_the_step_is_that_of_the_report():
    report = over_confident(sharper=1.0, metrics=["phi_nll", "ece", "confidence_gap"])
    found = next_step(report, IN_PYTHON)
    assert found is not None
    assert "gain" not in found.sentence


@pytest.mark.parametrize("metrics", [None, "ecce,ece", "all"])
def test_where_all_rows_are_right_no_map_is_proposed(metrics):
    report = all_right(metrics)
    found = next_step(report, IN_PYTHON)
    assert found is not None
    assert found.sentence == "get more rows: all of these are right, so that no map can be learned from them"
    assert found.command is None


def test_a_map_of_right_rows_alone_is_neither_praised_nor_kept():
    report = all_right(cross_fit=5)
    assert repair(report.dumps[0]).endswith("all rows are right, so that nothing can be learned from them.")
    found = next_step(report, IN_PYTHON)
    assert found is not None
    assert "no map can be learned" in found.sentence


def test_one_wrong_row_is_enough_to_learn_something():
    dump = all_right().dumps[0]
    assert all_alike(dump) == "right"
    assert all_alike(over_confident().dumps[0]) == ""
    assert all_alike(evaluate(confidence=[0.9, 0.8], correct=[False, False]).dumps[0]) == "wrong"
    assert headline(dump).startswith("Under-confident")
