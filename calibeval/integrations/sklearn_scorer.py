"""`scorer`: a metric for `scoring=` of scikit-learn's functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.api.evaluate import evaluate
from calibeval.core.data.arguments import whole
from calibeval.core.data.public import public
from calibeval.core.errors import InputError
from calibeval.core.metrics.table import metric_named


@dataclass(frozen=True)
class Scorer:
    """A metric of the probabilities of a fitted classifier, with the sign by which more is better.

    metric: its name. bins: as for `evaluate`.
    """

    metric: str
    bins: int | None = None

    def __call__(self, estimator: Any, x: Any, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """The score of an estimator on these rows.

        Raises: InputError for a class that the estimator has not seen, or if these rows do not define the metric.
        """
        labels = positions(np.asarray(y), estimator.classes_)
        probs = np.asarray(estimator.predict_proba(x))
        report = evaluate(
            probs=probs, labels=labels, weights=sample_weight, metrics=self.metric, bins=self.bins, level=None
        )
        found = report[self.metric]
        if found.value is None:
            raise InputError(f"{self.metric}: {found.reason}")
        better = metric_named(self.metric).better
        target = {"zero": 0.0, "one": 1.0}
        if better in target:
            return -abs(found.value - target[better])
        return found.value if better == "higher" else -found.value


def positions(y: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """The class numbers of labels, by the sorted classes of an estimator.

    Raises: InputError for a class that is not among them.
    """
    found = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    wrong = np.flatnonzero(classes[found] != y)
    if len(wrong):
        known = ", ".join(map(str, classes[:10])) + (", ..." if len(classes) > 10 else "")
        raise InputError(f"row {wrong[0]} has the label {y[wrong[0]]}, but the estimator knows {known}")
    return found


@public({"bins": whole(1)})
def scorer(metric: str = "ece", *, bins: int | None = None) -> Scorer:
    """A metric for `scoring=` of `cross_val_score`, `GridSearchCV` and others.

    For them more is better. So the score is minus the metric where less is better, as of "neg_log_loss", and minus the
    distance from the best value where that is 0 or 1, as of the confidence gap.

    metric: a name of `evaluate`. bins: number of bins of the calibration errors; None: 15.
    Raises: UnknownMetric with the nearest name.

    >>> scorer("brier")
    Scorer(metric='brier', bins=None)
    """
    return Scorer(metric_named(metric).name, bins)
