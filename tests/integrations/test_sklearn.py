"""The meta-estimator: scikit-learn's own checks, its CalibratedClassifierCV beside it, and what it refuses."""

import pickle

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

import calibeval
from calibeval.sklearn import Recalibrator, scorer


@pytest.mark.filterwarnings("ignore")  # as check_estimator provokes them
@parametrize_with_checks([Recalibrator(LogisticRegression(), cv=3), Recalibrator(GaussianNB(), cv=3)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return train_test_split(x, y, test_size=0.5, random_state=0)


@pytest.fixture(scope="module")
def cancer():
    x, y = load_breast_cancer(return_X_y=True)
    return train_test_split(StandardScaler().fit_transform(x), y, test_size=0.5, random_state=0)


def nll(model, x, y):
    return calibeval.metrics.nll(model.predict_proba(x), np.searchsorted(model.classes_, y))


def test_a_temperature_is_that_of_scikit_learn(digits):
    x_train, x_test, y_train, _ = digits
    folds = StratifiedKFold(4, shuffle=True, random_state=1)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=100.0, max_iter=2000))
    own = Recalibrator(model, cv=folds).fit(x_train, y_train)
    other = CalibratedClassifierCV(model, method="temperature", cv=folds, ensemble=False).fit(x_train, y_train)
    (theirs,) = other.calibrated_classifiers_
    assert own.map_.temperature == pytest.approx(1 / theirs.calibrators[0].beta_, rel=1e-3)
    np.testing.assert_allclose(own.predict_proba(x_test), other.predict_proba(x_test), atol=1e-4)


def test_platts_map_of_an_svm_is_nearly_that_of_scikit_learn(cancer):
    """Theirs fits labels that are moved a little from 0 and 1."""
    x_train, x_test, y_train, y_test = cancer
    x_train, x_test = x_train[:, :2], x_test[:, :2]
    own = Recalibrator(LinearSVC(random_state=0), method="platt").fit(x_train, y_train)
    other = CalibratedClassifierCV(LinearSVC(random_state=0), ensemble=False).fit(x_train, y_train)
    gap = np.abs(own.predict_proba(x_test) - other.predict_proba(x_test))
    assert 0 < gap.max() < 0.03
    assert nll(own, x_test, y_test) < 1.1 * nll(other, x_test, y_test)


def test_naive_bayes_becomes_better_and_its_rows_stay_unseen(digits):
    x_train, x_test, y_train, y_test = digits
    plain = GaussianNB(var_smoothing=1e-3).fit(x_train, y_train)
    fixed = Recalibrator(GaussianNB(var_smoothing=1e-3)).fit(x_train, y_train)
    assert nll(fixed, x_test, y_test) < 0.8
    assert scorer("ece")(fixed, x_test, y_test) > scorer("ece")(plain, x_test, y_test) / 2
    assert fixed.map_.temperature > 2
    assert fixed.map_.fitted.n == len(y_train)
    np.testing.assert_array_equal(fixed.predict(x_test), plain.predict(x_test))  # a temperature keeps the class
    np.testing.assert_array_equal(fixed.estimator_.theta_, plain.theta_)  # the model in use has seen all rows


@pytest.mark.parametrize(
    "method", ["platt", "beta", "isotonic", "ets", "quadratic", "spline", "auto", "top-platt", "none"]
)
def test_every_sort_of_map_gives_probabilities(cancer, method):
    x_train, x_test, y_train, y_test = cancer
    model = Recalibrator(RandomForestClassifier(20, random_state=0), method=method, cv=3).fit(x_train, y_train)
    probs = model.predict_proba(x_test)
    np.testing.assert_allclose(probs.sum(axis=1), 1.0)
    assert probs.min() >= 0
    assert np.mean(model.predict(x_test) == y_test) > 0.9


def test_without_a_map_the_probabilities_stay(cancer):
    x_train, x_test, y_train, _ = cancer
    model = Recalibrator(GaussianNB(), method="none", clip=None, cv=3).fit(x_train, y_train)
    np.testing.assert_allclose(model.predict_proba(x_test), model.estimator_.predict_proba(x_test), atol=1e-12)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_fitted_estimator_gets_a_map_of_all_rows(digits, frozen):
    x_train, x_test, y_train, y_test = digits
    fitted = GaussianNB(var_smoothing=1e-3).fit(x_train, y_train)
    model = Recalibrator(FrozenEstimator(fitted)) if frozen else Recalibrator(fitted, cv="prefit")
    model.fit(x_test, y_test)
    with np.errstate(divide="ignore"):
        logits = np.log(fitted.predict_proba(x_test))
    expected = calibeval.fit(calibeval.Predictions(logits=logits, labels=y_test), clip=1e-12)
    assert model.map_.temperature == pytest.approx(expected.temperature, rel=1e-9)
    np.testing.assert_array_equal(fitted.theta_, GaussianNB(var_smoothing=1e-3).fit(x_train, y_train).theta_)


def test_names_of_classes_and_weights_of_classes(cancer):
    x_train, x_test, y_train, _ = cancer
    names = np.array(["benign", "malignant"])
    weights = {"benign": 1.0, "malignant": 2.0}
    named = Recalibrator(LogisticRegression(class_weight=weights)).fit(x_train, names[y_train])
    numbered = Recalibrator(LogisticRegression(class_weight={0: 1.0, 1: 2.0})).fit(x_train, y_train)
    assert named.classes_.tolist() == ["benign", "malignant"]
    assert named.map_.class_names == ("benign", "malignant")
    np.testing.assert_array_equal(named.predict(x_test), names[numbered.predict(x_test)])
    np.testing.assert_allclose(named.predict_proba(x_test), numbered.predict_proba(x_test))


def test_rows_of_weight_0_do_not_matter(cancer):
    x_train, x_test, y_train, _ = cancer
    half = np.arange(len(y_train)) % 2
    weighted = Recalibrator(LogisticRegression(), cv=[(slice(0, 200), slice(200, None))])
    weighted.fit(x_train, np.where(half == 1, y_train, 1 - y_train), sample_weight=half)
    alone = Recalibrator(LogisticRegression(), cv=[(slice(0, 100), slice(100, None))])
    alone.fit(x_train[half == 1], y_train[half == 1])
    np.testing.assert_allclose(weighted.predict_proba(x_test), alone.predict_proba(x_test), atol=1e-6)


def test_a_model_without_weights_leaves_them_to_the_map(cancer):
    x_train, _, y_train, _ = cancer
    weights = np.where(y_train == 1, 5.0, 1.0)
    plain = Recalibrator(KNeighborsClassifier(), method="platt").fit(x_train, y_train)
    with pytest.warns(
        UserWarning, match="KNeighborsClassifier takes no sample_weight: the weights are for the map only"
    ):
        weighted = Recalibrator(KNeighborsClassifier(), method="platt").fit(x_train, y_train, sample_weight=weights)
    assert (weighted.predict_proba(x_train)[:, 1] > plain.predict_proba(x_train)[:, 1]).all()


def test_groups_stay_in_one_fold(cancer):
    x_train, _, y_train, _ = cancer
    groups = np.arange(len(y_train)) // 10
    model = Recalibrator(LogisticRegression(), cv=GroupKFold(3)).fit(x_train, y_train, groups=groups)
    assert model.map_.fitted.n == len(y_train)
    with pytest.raises(ValueError, match="groups"):
        Recalibrator(LogisticRegression(), cv=GroupKFold(3)).fit(x_train, y_train)


def test_two_jobs_give_the_same_and_copies_can_be_made(cancer):
    x_train, x_test, y_train, _ = cancer
    one = Recalibrator(LogisticRegression(), cv=3).fit(x_train, y_train)
    with parallel_config("threading"):
        two = clone(one).set_params(n_jobs=2).fit(x_train, y_train)
    np.testing.assert_array_equal(one.predict_proba(x_test), two.predict_proba(x_test))
    again = pickle.loads(pickle.dumps(one))  # noqa: S301 - it was pickled here
    np.testing.assert_array_equal(one.predict_proba(x_test), again.predict_proba(x_test))


def test_the_map_can_be_saved(cancer, tmp_path):
    x_train, x_test, y_train, _ = cancer
    model = Recalibrator(LogisticRegression(), cv=3).fit(x_train, y_train)
    model.map_.save(tmp_path / "map.json")
    logits = calibeval.read_map(tmp_path / "map.json")(model.estimator_.decision_function(x_test))
    np.testing.assert_allclose(1 / (1 + np.exp(logits[:, 0] - logits[:, 1])), model.predict_proba(x_test)[:, 1])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            Recalibrator(LinearSVC(), response_method="predict_proba"),
            "LinearSVC has no predict_proba, which gives the scores",
        ),
        (Recalibrator(LinearSVC(), response_method="proba"), 'response_method is "proba", but must be auto'),
        (Recalibrator(LinearSVC(), method="platt"), "platt is for 2 classes"),
        (Recalibrator(LinearSVC(), method="plat"), 'did you mean "platt"'),
        (Recalibrator(SVC(decision_function_shape="ovo")), "gives 45 scores for each row, but there are 10 classes"),
    ],
)
def test_what_cannot_work_is_refused(digits, model, message):
    x_train, _, y_train, _ = digits
    with pytest.raises(ValueError, match=message):
        model.fit(x_train[:300], y_train[:300])


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_a_class_that_a_fold_lacks_is_named(cancer):
    x_train, _, y_train, _ = cancer
    y = y_train.copy()
    y[0] = 2
    with pytest.raises(calibeval.InputError, match="training part has the class 2: use fewer folds"):
        Recalibrator(LogisticRegression()).fit(x_train, y)


def test_a_class_that_a_fitted_estimator_does_not_know_is_named(digits):
    x_train, x_test, y_train, y_test = digits
    fitted = GaussianNB().fit(x_train[y_train < 9], y_train[y_train < 9])
    row = int(np.flatnonzero(y_test == 9)[0])
    with pytest.raises(calibeval.InputError, match=f"row {row} has the label 9, but the estimator knows 0, 1, 2"):
        Recalibrator(fitted, cv="prefit").fit(x_test, y_test)


def test_frames_pipelines_and_searches():
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    names = y.map({0: "malignant", 1: "benign"})
    model = make_pipeline(StandardScaler(), LogisticRegression())
    search = GridSearchCV(
        Recalibrator(model, cv=3),
        {"estimator__logisticregression__C": [1e-4, 1.0], "method": ["none", "temperature"]},
        scoring=scorer("nll"),
        cv=2,
    ).fit(x, names)
    assert search.best_params_ == {"estimator__logisticregression__C": 1.0, "method": "temperature"}
    assert search.best_estimator_.feature_names_in_.tolist() == x.columns.tolist()
    assert np.mean(search.predict(x) == names) > 0.95
