"""Scores of scikit-learn's functions: more is better, whatever the metric."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.naive_bayes import GaussianNB

import calibeval
from calibeval.sklearn import Recalibrator, scorer


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


class Told:
    """An estimator whose probabilities are told, for labels of the classes a and b."""

    classes_ = np.array(["a", "b"])

    def predict_proba(self, x):
        return np.column_stack([1 - np.asarray(x), x])


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("accuracy", 0.5),
        ("ece", -0.4),  # both rows in one bin: 0.9 - 0.5
        ("brier", -0.82),  # (2 * 0.01 + 2 * 0.81) / 2
        ("nll", (np.log(0.9) + np.log(0.1)) / 2),
        ("confidence_gap", -0.4),
    ],
)
def test_the_sign_is_that_of_more_is_better(name, score):
    assert scorer(name)(Told(), [0.9, 0.9], ["b", "a"]) == pytest.approx(score)


def test_what_is_best_at_1_is_scored_by_its_distance(cancer):
    x, y = cancer
    model = GaussianNB().fit(x, y)
    slope = calibeval.evaluate(
        probs=np.clip(model.predict_proba(x), 1e-12, None), labels=y, metrics="cox_slope", level=None
    )
    value = slope["cox_slope"].value
    assert value < 0.9

    class Clipped:
        classes_ = model.classes_

        def predict_proba(self, rows):
            return np.clip(model.predict_proba(rows), 1e-12, None)

    assert scorer("cox_slope")(Clipped(), x, y) == pytest.approx(value - 1)


def test_an_underconfident_model_has_a_negative_score_too():
    assert scorer("confidence_gap")(Told(), [0.6, 0.6], ["b", "b"]) == pytest.approx(-0.4)


def test_weights_and_bins():
    assert scorer("accuracy")(Told(), [0.9, 0.9], ["b", "a"], sample_weight=[3.0, 1.0]) == pytest.approx(0.75)
    x, y = [0.55, 0.95], ["a", "b"]
    assert scorer("ece", bins=1)(Told(), x, y) == pytest.approx(-0.25)
    assert scorer("ece", bins=2)(Told(), x, y) == pytest.approx(-0.25)  # both in (0.5, 1]
    assert scorer("ece", bins=4)(Told(), x, y) == pytest.approx(-0.3)  # 0.55 and 0.05, halved


def test_cross_validation_gives_the_values_of_scikit_learn(cancer):
    x, y = cancer
    own = cross_val_score(GaussianNB(var_smoothing=1e-2), x, y, scoring=scorer("nll"))
    np.testing.assert_allclose(own, cross_val_score(GaussianNB(var_smoothing=1e-2), x, y, scoring="neg_log_loss"))


def test_a_search_takes_the_best_calibrated(cancer):
    x, y = cancer
    search = GridSearchCV(
        Recalibrator(GaussianNB(), cv=3), {"method": ["none", "platt", "isotonic"]}, scoring=scorer("brier"), cv=3
    ).fit(x, y)
    scores = search.cv_results_["mean_test_score"]
    assert search.best_params_["method"] != "none"
    assert search.best_score_ == scores.max() > scores[0]
    by_hand = scorer("brier")(search, x, y)
    assert by_hand == pytest.approx(2 * get_scorer("neg_brier_score")(search, x, y))  # theirs is of one class


def test_several_at_once_and_copies(cancer):
    x, y = cancer
    several = {"ece": scorer("ece"), "acc": pickle.loads(pickle.dumps(scorer("accuracy")))}  # noqa: S301 - it was pickled here
    found = cross_validate(LogisticRegression(max_iter=5000), x, y, scoring=several, cv=2)
    assert (found["test_ece"] < 0).all()
    assert (found["test_acc"] > 0.9).all()


def test_a_fold_without_a_class_is_scored_by_the_classes_of_the_model():
    x, y = load_digits(return_X_y=True)
    model = GaussianNB().fit(x, y)
    few = y >= 5
    assert scorer("accuracy")(model, x[few], y[few]) == pytest.approx(np.mean(model.predict(x[few]) == y[few]))


def test_errors():
    with pytest.raises(calibeval.UnknownMetric, match='did you mean "ece"'):
        scorer("eec")
    with pytest.raises(calibeval.UsageError, match="bins"):
        scorer("ece", bins=0)
    with pytest.raises(calibeval.InputError, match="row 1 has the label c, but the estimator knows a, b"):
        scorer("ece")(Told(), [0.9, 0.9], ["b", "c"])
