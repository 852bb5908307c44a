"""`Recalibrator`: a classifier of scikit-learn whose probabilities are recalibrated."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, check_consistent_length, column_or_1d, get_tags, indexable
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from calibeval.api.fit import fit
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError, UsageError
from calibeval.integrations.sklearn_scorer import positions

RESPONSES = ("decision_function", "predict_proba")
Logits = npt.NDArray[np.float64]


class Recalibrator(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A classifier whose probabilities are recalibrated by a map, which is fitted on rows that its model has not seen.

    estimator: a classifier with decision_function or predict_proba. method: as for `calibeval.fit`.
    cv: the folds, a number or as for scikit-learn's functions; None: 5. One map is fitted on the scores of all test
    parts, and the estimator anew on all rows. "prefit": the estimator is fitted already, and all rows are for the map;
    so they are for a `FrozenEstimator`.
    response_method: "decision_function", whose values are taken as logits, or "predict_proba"; "auto": the first of the
    two that the estimator has.
    clip: probabilities of predict_proba below it are raised to it; None: a label of probability 0 is refused.
    n_jobs: how many folds are fitted at a time, as for scikit-learn's functions.

    After `fit`: `classes_`, the fitted `estimator_`, and `map_`, which can be saved. For `map_`, the logits of a model
    with predict_proba are logarithms of its probabilities.

    >>> from sklearn.datasets import make_classification
    >>> from sklearn.naive_bayes import GaussianNB
    >>> x, y = make_classification(n_samples=400, n_redundant=10, random_state=0)
    >>> model = Recalibrator(GaussianNB(), method="platt", cv=3).fit(x, y)
    >>> model.map_.method, model.predict_proba(x[:5]).shape
    ('platt', (5, 2))
    """

    def __init__(
        self,
        estimator: Any,
        *,
        method: str = "temperature",
        cv: Any = None,
        response_method: str = "auto",
        clip: float | None = 1e-12,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.cv = cv
        self.response_method = response_method
        self.clip = clip
        self.n_jobs = n_jobs

    def fit(
        self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None, *, groups: npt.ArrayLike | None = None
    ) -> Self:
        """Fit the estimator, unless it is fitted, and the map.

        sample_weight: (n,), for the map, and for the estimator if it takes them. groups: (n,), for `cv`.
        Raises: InputError for rows that cannot be used; UsageError for settings that cannot work.
        """
        X, y = indexable(X, y)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        weights = None if sample_weight is None else np.asarray(column_or_1d(sample_weight), np.float64)
        check_consistent_length(X, y, weights)
        frozen = isinstance(self.estimator, FrozenEstimator) or (isinstance(self.cv, str) and self.cv == "prefit")
        if frozen:
            check_is_fitted(self.estimator)
            self.estimator_ = self.estimator
        else:
            parts = self._parts(X, y, weights, groups)
            self.estimator_ = _fitted(self.estimator, X, y, weights)
        self.classes_ = self.estimator_.classes_
        if frozen:
            parts = [Part(np.arange(len(y)), self._logits(self.estimator_, X))]
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        rows = np.concatenate([part.rows for part in parts])
        given = Predictions(
            logits=np.concatenate([part.logits for part in parts]),
            labels=positions(y[rows], self.classes_),
            weights=None if weights is None else weights[rows],
            class_names=[str(name) for name in self.classes_],
            labels_are="positions",
        )
        self.map_ = fit(given, self.method, clip=self.clip if self._response() == "predict_proba" else None)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """The recalibrated probabilities (n, k), whose columns are in the order of `classes_`."""
        check_is_fitted(self)
        mapped = self.map_(self._logits(self.estimator_, X))
        powers = np.exp(mapped - mapped.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The class with the largest recalibrated probability."""
        check_is_fitted(self)
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def __sklearn_tags__(self) -> Any:
        """What X may be: as for the estimator."""
        tags, own = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.input_tags.sparse = own.input_tags.sparse
        tags.input_tags.allow_nan = own.input_tags.allow_nan
        tags.classifier_tags.multi_class = own.classifier_tags.multi_class
        return tags

    def _parts(self, X: Any, y: npt.NDArray[Any], weights: Any, groups: Any) -> list[Part]:
        """The test parts of all folds, with the logits of models that have not seen them."""
        classes = np.unique(y)
        folds: Iterable[Any] = check_cv(self.cv, y, classifier=True).split(X, y, groups)
        return list(Parallel(n_jobs=self.n_jobs)(delayed(self._part)(X, y, weights, classes, *fold) for fold in folds))

    def _part(self, X: Any, y: npt.NDArray[Any], weights: Any, classes: Any, train: Any, test: Any) -> Part:
        own = None if weights is None else weights[train]
        model = _fitted(self.estimator, _safe_indexing(X, train), y[train], own)
        missing = np.setdiff1d(classes, model.classes_)
        if len(missing):
            raise InputError(
                f"no row of a fold's training part has the class {missing[0]}: use fewer folds, or more rows"
            )
        return Part(np.arange(len(y))[test], self._logits(model, _safe_indexing(X, test)))

    def _response(self) -> str:
        """The method of the estimator that gives its scores. Raises: UsageError if it does not have it."""
        asked = self.response_method
        if asked != "auto" and asked not in RESPONSES:
            raise UsageError(f'response_method is "{asked}", but must be auto, {" or ".join(RESPONSES)}')
        wanted = RESPONSES if asked == "auto" else (asked,)
        name = next((one for one in wanted if hasattr(self.estimator, one)), None)
        if name is None:
            raise UsageError(
                f"{type(self.estimator).__name__} has no {' and no '.join(wanted)}, which gives the scores"
            )
        return name

    def _logits(self, model: Any, X: Any) -> Logits:
        """The logits (n, k) of a fitted model."""
        response = self._response()
        scores = np.asarray(getattr(model, response)(X), np.float64)
        if response == "predict_proba":
            with np.errstate(divide="ignore"):
                scores = np.log(scores)
        elif scores.ndim == 1:
            scores = np.column_stack([np.zeros(len(scores)), scores])
        k = len(model.classes_)
        if scores.ndim != 2 or scores.shape[1] != k:
            shape = " x ".join(map(str, scores.shape[1:]))
            raise InputError(
                f"{response} of {type(model).__name__} gives {shape} scores for each row, but there are {k} classes; "
                'an SVC needs decision_function_shape="ovr"'
            )
        return np.asarray(scores)


class Part(NamedTuple):
    """Rows, by their numbers, and their logits."""

    rows: npt.NDArray[np.intp]
    logits: Logits


def _fitted(estimator: Any, X: Any, y: npt.NDArray[Any], weights: npt.NDArray[np.float64] | None) -> Any:
    """A copy of the estimator that is fitted on these rows, with their weights if it takes them."""
    model = clone(estimator)
    if weights is None:
        return model.fit(X, y)
    if has_fit_parameter(model, "sample_weight"):
        return model.fit(X, y, sample_weight=weights)
    warnings.warn(f"{type(model).__name__} takes no sample_weight: the weights are for the map only", stacklevel=3)
    return model.fit(X, y)
