"""For scikit-learn: `Recalibrator`, a classifier whose probabilities are recalibrated, and `scorer`, for `scoring=`."""

from calibeval.integrations.sklearn import Recalibrator
from calibeval.integrations.sklearn_scorer import scorer

__all__ = ["Recalibrator", "scorer"]
